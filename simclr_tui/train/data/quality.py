"""Look at decoded images for what makes training pointless: images that are all alike inside."""

from __future__ import annotations

import numpy as np

from simclr_tui.train.data.images import ImageSet
from simclr_tui.train.data.pixels import levels_of
from simclr_tui.train.data.scaling import Scaling
from simclr_tui.train.data.value_range import FEW_LEVELS

_LOOKED_AT = 512  # images
_SHARE = 0.01  # of the images that may be nearly constant in silence
_SPREAD = 2 / 255  # of the range, between an image's 1st and 99th percentile


def quality_warnings(images: ImageSet, scaling: Scaling) -> tuple[str, ...]:
    """Return a sentence for each thing that looks wrong with the stored pixels of up to 512 images."""
    if not len(images):
        return ()
    index = np.unique(np.linspace(0, len(images) - 1, min(len(images), _LOOKED_AT)).astype(np.int64))
    found = []
    spreads, levels = [], np.zeros(levels_of(scaling.dtype) + 1, np.bool_)
    for place in index.tolist():
        pixels = np.asarray(images.images[place])
        flat = pixels.reshape(len(pixels), -1)
        low, high = np.percentile(flat, (1, 99), axis=1)
        spreads.append(float((high - low).max()) / levels_of(scaling.dtype))
        levels[flat.ravel()] = True
    share = float(np.mean(np.asarray(spreads) < _SPREAD))
    if share > _SHARE:
        found.append(
            f"{share:.0%} of the images are nearly constant: one value fills each; see simclr data inspect, or give"
            " another --range"
        )
    if scaling.plain and levels.sum() < FEW_LEVELS:
        count, spread = int(levels.sum()), levels[0] and levels[-1]
        so = "the views will show little" if spread else "give --range LO:HI of what they hold"
        found.append(f"the images have {count} level{'s'[: count != 1]} only: {so}")
    return tuple(found)
