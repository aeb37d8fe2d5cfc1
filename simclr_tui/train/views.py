"""What happens to each view: the random numbers of the paper's augmentation (§A), drawn per image and per view.

The distributions are those of torchvision's RandomResizedCrop and ColorJitter; the draws are `draws.uniforms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.draws import Stream, uniforms

BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)
ORDERS = np.array(list(permutations(range(4))))
"""(24, 4): each row an order of the four colour operations, first to last."""

_TRIES = 10
_RATIO = (3 / 4, 4 / 3)
_SIGMA = (0.1, 2.0)
_FLIP, _COLOR, _ORDER, _FACTORS, _GRAY, _BLUR, _BLUR_SIGMA, _TOP, _LEFT, _CROP = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12
_COUNT = _CROP + 2 * _TRIES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class ViewParams:
    """Parameters of 2N views, the first views of N images and then their second views; every array is (2N,).

    The crop box is in pixels of the source. Colour factors are torchvision's: 1 leaves brightness, contrast and
    saturation as they are, `hue` is a shift in turns in [−0.5, 0.5]; they count where `color` is set.
    """

    top: Ints
    left: Ints
    height: Ints
    width: Ints
    flip: Flags
    color: Flags
    brightness: Floats
    contrast: Floats
    saturation: Floats
    hue: Floats
    order: Ints  # row of ORDERS
    gray: Flags
    blur: Flags
    sigma: Floats  # of the blur, in pixels of the view

    def __len__(self) -> int:
        return len(self.top)


def draw_views(recipe: Recipe, epoch: int, samples: Ints, side: int) -> ViewParams:
    """Draw both views of the images with ids `samples` (N,), whose sources are `side` pixels high and wide."""
    u = np.concatenate([uniforms(recipe.seed, Stream.VIEWS, epoch, samples, view, _COUNT) for view in (0, 1)])
    top, left, height, width = draw_crops(u[:, _TOP:], recipe.crop_min, side)
    strengths = (recipe.brightness, recipe.contrast, recipe.saturation)
    brightness, contrast, saturation = (
        _factor(u[:, _FACTORS + i], recipe.color_strength * x) for i, x in enumerate(strengths)
    )
    hue = min(0.5, recipe.color_strength * recipe.hue)
    return ViewParams(
        top=top,
        left=left,
        height=height,
        width=width,
        flip=u[:, _FLIP] < recipe.flip,
        color=u[:, _COLOR] < recipe.color_prob,
        brightness=brightness,
        contrast=contrast,
        saturation=saturation,
        hue=_between(u[:, _FACTORS + HUE], -hue, hue),
        order=(u[:, _ORDER] * len(ORDERS)).astype(np.int64),
        gray=u[:, _GRAY] < recipe.gray,
        blur=u[:, _BLUR] < recipe.blur,
        sigma=_between(u[:, _BLUR_SIGMA], *_SIGMA),
    )


def draw_crops(u: Floats, area_min: float, side: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Turn (n, 22) uniforms into the boxes (top, left, height, width) of n random resized crops.

    Ten tries at an area in [area_min, 1] and a log-uniform ratio; the first that fits is taken, else the whole
    (square) image.
    """
    area = _between(u[:, 2::2], area_min, 1.0) * side * side
    ratio = np.exp(_between(u[:, 3::2], *np.log(_RATIO)))
    widths = np.rint(np.sqrt(area * ratio)).astype(np.int64)
    heights = np.rint(np.sqrt(area / ratio)).astype(np.int64)
    fits = (widths > 0) & (widths <= side) & (heights > 0) & (heights <= side)
    rows, first, found = np.arange(len(u)), fits.argmax(axis=1), fits.any(axis=1)
    width = np.where(found, widths[rows, first], side)
    height = np.where(found, heights[rows, first], side)
    top = (u[:, 0] * (side - height + 1)).astype(np.int64)
    left = (u[:, 1] * (side - width + 1)).astype(np.int64)
    return top, left, height, width


def _between(u: Floats, low: float, high: float) -> Floats:
    return low + (high - low) * u


def _factor(u: Floats, strength: float) -> Floats:
    return _between(u, max(0.0, 1.0 - strength), 1.0 + strength)
