"""Bring an image's own values to stored pixels: channels, range, a square of one side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simclr_tui.errors import DataError
from simclr_tui.recipe.image_headers import Header
from simclr_tui.train.data.pixels import Pixels, levels_of
from simclr_tui.train.data.readers.protocol import Values


@dataclass(frozen=True)
class Scaling:
    """Say how the values of an image become pixels of `side` × `side`.

    `channels` are the image's, in order; a grey image fills them all. `low` and `high` (per channel) become 0 and the
    top level of `dtype`; both are empty where each image has its own (`--range image`). `plain` says that 8 bits stay
    as they are, `direct` that Pillow decodes every file, so that no header is read again. `nan_is_low` says what NaN
    means: without it, an image with values that are not finite is refused. `whole` squeezes an image that is not square
    into the square instead of cutting its middle out; whoever takes crops then needs its shape (see `WholeImages`).
    `rgb` says that the first three channels of the images are red, green and blue.
    """

    side: int
    channels: tuple[int, ...] = (0, 1, 2)
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    dtype: str = "uint8"
    plain: bool = True
    direct: bool = False
    nan_is_low: bool = False
    whole: bool = False
    rgb: bool = True

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Scaling:
        """Return the scaling that `asdict` gave, after JSON has made lists of its tuples. Raises TypeError."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}
        return cls(**values)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the shape of one image's pixels, (C, S, S)."""
        return (len(self.channels), self.side, self.side)

    @property
    def bytes(self) -> int:
        """Return the bytes of one image's pixels."""
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


def to_pixels(values: Values, header: Header, scaling: Scaling) -> Pixels:
    """Return an image (H, W, C) as stored pixels, (C, S, S), see `to_side`; bicubic, antialiased.

    Raises DataError for values that are not finite, and for channels that the image does not have.
    """
    picked = pick_channels(values, header, scaling.channels)
    exact = scaling.plain and picked.dtype == np.uint8
    levels = picked if exact else to_levels(picked, scaling)
    planes = [
        np.asarray(to_side(Image.fromarray(plane), scaling.side, scaling.whole)) for plane in np.moveaxis(levels, -1, 0)
    ]
    stacked = np.stack(planes)
    if exact:
        return stacked
    rounded: Pixels = np.rint(stacked.clip(0, levels_of(scaling.dtype))).astype(scaling.dtype)
    return rounded


def pick_channels(values: Values, header: Header, channels: tuple[int, ...]) -> Values:
    """Return these channels of an image (H, W, C), transparency laid over white unless it is one of them."""
    count = values.shape[-1]
    if header.alpha and max(channels, default=0) < count - 1:
        values, count = over_white(values), count - 1
    if count == 1 and len(channels) > 1:
        return np.repeat(values, len(channels), axis=-1)
    if max(channels) >= count:
        raise DataError(f"an image of {count} channels has no channel {max(channels) + 1}", f"give --channels {count}")
    if channels == tuple(range(count)):
        return values
    return np.ascontiguousarray(values[..., list(channels)])


def over_white(values: Values) -> Values:
    """Return an image (H, W, C) without its last channel, the opacity, laid over white."""
    top = np.iinfo(values.dtype).max if values.dtype.kind in "ui" else 1.0
    colour, opacity = values[..., :-1], values[..., -1:]
    if np.all(opacity == top):
        return np.ascontiguousarray(colour)
    share = opacity.astype(np.float32) / top
    laid: Values = np.rint(colour * share + top * (1 - share)).astype(values.dtype)
    return laid


def to_levels(values: Values, scaling: Scaling) -> NDArray[np.float32]:
    """Return values (H, W, C) on the scale of the stored levels, clipped to the range, not rounded."""
    numbers = values.astype(np.float64 if values.dtype.itemsize > 2 else np.float32)
    if values.dtype.kind == "f" and not np.isfinite(numbers).all():
        if not scaling.nan_is_low:
            bad = int(np.size(numbers) - np.isfinite(numbers).sum())
            raise not_finite("an image", bad)
        numbers = np.nan_to_num(numbers, nan=scaling.low[0] if scaling.low else 0.0)
    low, high = _ends(numbers, scaling)
    span = np.where(high > low, np.maximum(high - low, np.finfo(np.float32).tiny), 1)  # 1: what is constant is black
    scaled = (numbers - low) * (levels_of(scaling.dtype) / span)
    clipped: NDArray[np.float32] = scaled.clip(0, levels_of(scaling.dtype)).astype(np.float32)
    return clipped


def _ends(numbers: NDArray[Any], scaling: Scaling) -> tuple[NDArray[Any], NDArray[Any]]:
    if scaling.low:
        return np.asarray(scaling.low), np.asarray(scaling.high)
    return numbers.min(axis=(0, 1)), numbers.max(axis=(0, 1))


def not_finite(name: str, count: int) -> DataError:
    """Return the error that refuses values which are not finite."""
    return DataError(
        f"{name} holds NaN or infinity ({count:,} of its values)",
        "replace them, or give --range LO:HI, which takes NaN for LO",
    )


def to_side(image: Image.Image, side: int, whole: bool = False) -> Image.Image:
    """Return the central square of an image at `side` px, or all of it squeezed into that square where `whole` is set.

    What has that size already is unchanged.
    """
    if whole and image.width != image.height:
        return image.resize((side, side), Image.Resampling.BICUBIC)
    shorter = min(image.size)
    left, top = (image.width - shorter) // 2, (image.height - shorter) // 2
    box = (left, top, left + shorter, top + shorter)
    if shorter == side:
        return image.crop(box)
    return image.resize((side, side), Image.Resampling.BICUBIC, box=box)
