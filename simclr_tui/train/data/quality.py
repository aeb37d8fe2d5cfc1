"""Look at stored images for what makes training pointless: images that are all alike inside."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simclr_tui.train.data.pixels import Pixels, levels_of
from simclr_tui.train.data.scaling import Scaling
from simclr_tui.train.data.value_range import FEW_LEVELS

_LOOKED_AT = 512  # images
_SHARE = 0.01  # of the images that may be nearly constant in silence
_SPREAD = 2 / 255  # of the range, between an image's 1st and 99th percentile


def looked_at(count: int, most: int = _LOOKED_AT) -> list[int]:
    """Return the places of up to `most` of `count` images, evenly spread."""
    return sorted({int(place) for place in np.linspace(0, count - 1, min(count, most))})


def quality_warnings(images: Iterable[Pixels], scaling: Scaling) -> tuple[str, ...]:
    """Return a sentence for each thing that looks wrong with the stored pixels, (C, S, S), of some images."""
    found = []
    spreads, levels, most = [], np.zeros(levels_of(scaling.dtype) + 1, np.bool_), 0
    for pixels in images:
        flat = pixels.reshape(len(pixels), -1)
        low, high = np.percentile(flat, (1, 99), axis=1)
        spreads.append(float((high - low).max()) / levels_of(scaling.dtype))
        own = np.unique(flat)
        levels[own], most = True, max(most, len(own))
    if not spreads:
        return ()
    share = float(np.mean(np.asarray(spreads) < _SPREAD))
    if share > _SHARE:
        found.append(
            f"{share:.0%} of the images are nearly constant: one value fills each; see simclr data inspect, or give"
            " another --range"
        )
    stretched = not scaling.plain and not scaling.low  # each image by its own range: all ends of the scale are reached
    count = most if stretched else int(levels.sum())
    if (scaling.plain or stretched) and count < FEW_LEVELS:
        spread = levels[0] and levels[-1]
        so = "the views will show little" if spread else "give --range LO:HI of what they hold"
        found.append(f"the images have {count} level{'s'[: count != 1]} only: {so}")
    return tuple(found)
