"""Keep whole images of any shape in squares of one size: squeezed, each beside the shape that it had.

A crop drawn in the shape of the image is a rectangle of the square, so that training sees every corner of an image at
its true proportions. What asks for the images themselves gets their central squares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simclr_tui.train.data.pixels import Pixels, Shape, Shapes, levels_of


@dataclass(frozen=True, eq=False)
class WholeImages:
    """Give images (N, C, S, S) as one array, uint8 or uint16; indexing gives their central squares.

    squeezed: the whole images, (N, C, S, S), in memory or mapped from disk. shapes: the heights and widths that they
    had, int32 (N, 2).
    """

    squeezed: Pixels
    shapes: Shapes

    def __len__(self) -> int:
        return len(self.squeezed)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (N, C, S, S)."""
        return self.squeezed.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the type of a stored value."""
        return self.squeezed.dtype

    @property
    def nbytes(self) -> int:
        """Return the bytes of all pixels."""
        return int(self.squeezed.nbytes)

    def __getitem__(self, index: Any) -> Pixels:
        """Return the central squares (…, C, S, S) of one image, a slice or an array of them."""
        return central_squares(*self.whole(index))

    def take(self, index: NDArray[np.int64]) -> WholeImages:
        """Return a selection."""
        return WholeImages(self.squeezed[index], self.shapes[index])

    def whole(self, index: Any) -> tuple[Pixels, Shapes]:
        """Return the squeezed images (…, C, S, S) and their shapes (…, 2)."""
        return self.squeezed[index], self.shapes[index]


def stored(images: Pixels | WholeImages) -> tuple[Pixels, Shapes | None]:
    """Return the arrays behind images that are not decoded on demand: pixels (N, C, S, S) and shapes (N, 2) or None."""
    return (images.squeezed, images.shapes) if isinstance(images, WholeImages) else (images, None)


def central_squares(squeezed: Pixels, shapes: Shapes) -> Pixels:
    """Return the central squares (…, C, S, S) of squeezed images (…, C, S, S) of these shapes (…, 2); bicubic."""
    out: Pixels = squeezed.copy()
    side = squeezed.shape[-1]
    flat = out.reshape(-1, *squeezed.shape[-3:])
    for image, (height, width) in zip(flat, shapes.reshape(-1, 2).tolist(), strict=True):
        if height != width:
            shorter = min(height, width)
            down, across = side * shorter / height / 2, side * shorter / width / 2
            middle = side / 2
            box = (middle - across, middle - down, middle + across, middle + down)
            image[:] = _resized(image, (side, side), box)
    return out


def letterboxed(squeezed: Pixels, shape: Shape) -> Pixels:
    """Return a squeezed image (C, S, S) in its own proportions, with black bars at two sides of it, (C, S, S)."""
    height, width = shape
    if height == width:
        return squeezed
    side, longer = squeezed.shape[-1], max(shape)
    size = (max(1, round(side * height / longer)), max(1, round(side * width / longer)))
    top, left = (side - size[0]) // 2, (side - size[1]) // 2
    framed: Pixels = np.zeros_like(squeezed)
    framed[:, top : top + size[0], left : left + size[1]] = _resized(squeezed, size, (0, 0, side, side))
    return framed


def _resized(image: Pixels, size: Shape, box: tuple[float, float, float, float]) -> Pixels:
    """Return the box (left, top, right, bottom) of an image (C, S, S) at a size of height and width."""
    levels = levels_of(image.dtype)
    planes = []
    for plane in image:
        part = Image.fromarray(plane if levels == 255 else plane.astype(np.float32))
        planes.append(np.asarray(part.resize((size[1], size[0]), Image.Resampling.BICUBIC, box=box)))
    resized: Pixels = np.rint(np.stack(planes).clip(0, levels)).astype(image.dtype)
    return resized
