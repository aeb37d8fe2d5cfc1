"""Draw the parameters of the paper's augmentations (§A, §3.1), for each image and view.

Crop and colour are distributed as torchvision's RandomResizedCrop and ColorJitter; the draws are `rng.uniforms`.
A recipe without `both_views` follows §3.1: both views are one and the same base crop, resized, and only an image's
first view then passes the operations. Without `base_crop` there is no such crop, and the second view is cropped by
itself where crop is among the operations, else merely resized.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.rng import Stream, uniforms

BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)
ORDERS = np.array(list(permutations(range(4))))
"""(24, 4): each row an order of the four colour operations, first to last."""

_TRIES = 10
_RATIO = (3 / 4, 4 / 3)
_SIGMA = (0.1, 2.0)
_GAMMAS = (2 / 3, 3 / 2)  # log-uniform; nnU-Net draws from 0.7 to 1.5 (Isensee et al., Nature Methods 2021)

# The place of each draw among a view's uniforms is part of every run's reproducibility: only append.
_CHANCE = {
    "flip": 0, "color": 1, "gray": 7, "blur": 8, "cutout": 32, "rotate": 35, "sobel": 37, "noise": 38,
    "vflip": 40, "intensity": 41, "gamma": 42, "channel_drop": 44, "solarize": 45, "poisson": 46,
}  # fmt: skip
_ORDER, _FACTORS, _BLUR_SIGMA, _CROP = 2, 3, 9, 10
_OPTIONAL = 32  # from here on: draws of the operations that the paper's final recipe does without
_CUTOUT_ROW, _CUTOUT_COLUMN, _TURNS, _NOISE_SEED, _GAMMA = 33, 34, 36, 39, 43
_COUNT = 47  # of what a view draws for itself; the base crop's draws follow, the first view's for both
_BASE = slice(_COUNT, _COUNT + 22)
BASE = "base"
"""The name of the base crop among a view's operations, of which it is the first."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Boxes = tuple[Ints, Ints, Ints, Ints]
"""Tops, lefts, heights and widths."""


@dataclass(frozen=True, eq=False, slots=True)
class ViewParams:
    """Hold the parameters of 2N views, the first views of N images and then their second views; every array is (2N,).

    The flags named after operations say which views pass them; the other values count where they do. The crop box
    is in pixels of the source if crop comes first, else in pixels of the view. Colour factors are torchvision's: 1
    leaves brightness, contrast and saturation as they are, `hue` is a shift in turns in [−0.5, 0.5].
    """

    operations: tuple[str, ...]  # in their order; if crop is one of them, all views pass it, as they do the base crop
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
    cutout: Flags
    cutout_row: Ints  # of the square's centre, in pixels of the view
    cutout_column: Ints
    rotate: Flags
    turns: Ints  # quarter turns anticlockwise: 1, 2 or 3
    sobel: Flags
    noise: Flags
    noise_seed: Ints  # 53 bits; of all that an operation draws for each pixel or channel
    vflip: Flags
    intensity: Flags
    brightness_range: Floats  # how far from 1 a channel's factor is drawn by `intensity`
    contrast_range: Floats
    gamma: Flags
    exponent: Floats  # of gamma
    channel_drop: Flags
    solarize: Flags
    poisson: Flags
    base_top: Ints  # of the base crop, in pixels of the source; the views' own crops are then of that
    base_left: Ints
    base_height: Ints
    base_width: Ints

    def __len__(self) -> int:
        return len(self.top)


def draw_views(
    recipe: Recipe, epoch: int, samples: Ints, side: int, *, shapes: NDArray[np.int32] | None = None
) -> ViewParams:
    """Draw both views of the images with ids `samples` (N,), whose sources are `side` pixels high and wide.

    `shapes` (N, 2) are the heights and widths of images that were squeezed into such squares: crops, which are the
    first operation then, are drawn in those shapes (see `draw_crops`).
    """
    u = _draw(recipe, epoch, samples)
    both = None if shapes is None else np.concatenate([shapes, shapes])
    base_top, base_left, base_height, base_width = _base_crops(recipe, u, side, shapes=both)
    top, left, height, width = _own_crops(recipe, u, side, shapes=both)
    strengths = (recipe.brightness, recipe.contrast, recipe.saturation)
    brightness, contrast, saturation = (
        _factor(u[:, _FACTORS + i], recipe.color_strength * x) for i, x in enumerate(strengths)
    )
    hue = min(0.5, recipe.color_strength * recipe.hue)
    return ViewParams(
        operations=(BASE, *recipe.operations) if recipe.crops_base else recipe.operations,
        base_top=base_top,
        base_left=base_left,
        base_height=base_height,
        base_width=base_width,
        top=top,
        left=left,
        height=height,
        width=width,
        brightness=brightness,
        contrast=contrast,
        saturation=saturation,
        hue=_uniform(u[:, _FACTORS + HUE], -hue, hue),
        order=_integer(u[:, _ORDER], len(ORDERS)),
        sigma=_uniform(u[:, _BLUR_SIGMA], *_SIGMA),
        cutout_row=_integer(u[:, _CUTOUT_ROW], recipe.image_size),
        cutout_column=_integer(u[:, _CUTOUT_COLUMN], recipe.image_size),
        turns=1 + _integer(u[:, _TURNS], 3),
        noise_seed=_integer(u[:, _NOISE_SEED], 2**53),
        brightness_range=np.full(len(u), recipe.color_strength * recipe.brightness),
        contrast_range=np.full(len(u), recipe.color_strength * recipe.contrast),
        exponent=np.exp(_uniform(u[:, _GAMMA], *np.log(_GAMMAS))),
        **_chosen(recipe, u),
    )


def _draw(recipe: Recipe, epoch: int, samples: Ints) -> Floats:
    """Return the uniforms (2N, _BASE.stop) of both views; those that no operation of the recipe asks for are 0."""
    optional = any(_CHANCE.get(name, 0) >= _OPTIONAL for name in recipe.operations)
    count = _BASE.stop if recipe.crops_base else _COUNT if optional else _OPTIONAL
    u = np.zeros((2, len(samples), _BASE.stop))
    for view in (0, 1):
        u[view, :, :count] = uniforms(recipe.seed, Stream.VIEWS, epoch, samples, view, count)
    u[1, :, _BASE] = u[0, :, _BASE]
    return u.reshape(-1, _BASE.stop)


def _base_crops(recipe: Recipe, u: Floats, side: int, *, shapes: NDArray[np.int32] | None) -> Boxes:
    """Return the boxes of the base crops, the same for both views of an image; whole images where there is none."""
    if recipe.crops_base:
        return draw_crops(u[:, _BASE], recipe.crop_min, side, shapes=shapes)
    return _whole(len(u), side)


def _own_crops(recipe: Recipe, u: Floats, side: int, *, shapes: NDArray[np.int32] | None) -> Boxes:
    """Return the boxes of the views' own crops; after a base crop the second view has the whole of it."""
    if not recipe.crops_base:
        cropped_side = side if recipe.operations[:1] == ("crop",) else recipe.image_size
        return draw_crops(u[:, _CROP:_OPTIONAL], recipe.crop_min, cropped_side, shapes=shapes)
    boxes = draw_crops(u[:, _CROP:_OPTIONAL], recipe.crop_min, recipe.image_size)
    for box, whole in zip(boxes, _whole(len(u), recipe.image_size), strict=True):
        box[len(u) // 2 :] = whole[len(u) // 2 :]
    return boxes


def _whole(count: int, side: int) -> Boxes:
    start, length = np.zeros(count, np.int64), np.full(count, side)
    return start, start.copy(), length, length.copy()


def _chosen(recipe: Recipe, u: Floats) -> dict[str, Flags]:
    """Return which views pass each operation but the crop."""
    chosen = {}
    for name, column in _CHANCE.items():
        chosen[name] = u[:, column] < (recipe.probability(name) if name in recipe.operations else 0.0)
        if not recipe.both_views:
            chosen[name][len(u) // 2 :] = False
    return chosen


def draw_crops(
    u: Floats, area_min: float, side: int, *, shapes: NDArray[np.int32] | None = None
) -> tuple[Ints, Ints, Ints, Ints]:
    """Turn (n, 22) uniforms into the boxes (top, left, height, width) of n random resized crops, in pixels stored.

    Ten tries at an area in [area_min, 1] and a log-uniform ratio; the first that fits is taken, else the largest
    central box of a ratio in bounds, which of a square is all of it. Images with `shapes` (n, 2), height and width,
    were squeezed into `side` pixels each way: their crops are drawn in their own proportions, at `side` pixels for
    the shorter side, and then squeezed alike.
    """
    if shapes is None:
        square = np.full(len(u), side)
        return _crops(u, area_min, square, wide=square)
    tall, wide = _proportions(shapes, side)
    top, left, height, width = _crops(u, area_min, tall, wide=wide)
    top, height = _squeeze(top, height, tall, side=side)
    left, width = _squeeze(left, width, wide, side=side)
    return top, left, height, width


def _crops(u: Floats, area_min: float, tall: Ints, *, wide: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the boxes of crops in images of heights `tall` (n,) and widths `wide` (n,)."""
    area = _uniform(u[:, 2::2], area_min, 1.0) * tall[:, None] * wide[:, None]
    ratio = np.exp(_uniform(u[:, 3::2], *np.log(_RATIO)))
    widths = np.rint(np.sqrt(area * ratio)).astype(np.int64)
    heights = np.rint(np.sqrt(area / ratio)).astype(np.int64)
    fits = (widths > 0) & (widths <= wide[:, None]) & (heights > 0) & (heights <= tall[:, None])
    rows, first, found = np.arange(len(u)), fits.argmax(axis=1), fits.any(axis=1)
    low, high = _RATIO
    width = np.where(found, widths[rows, first], np.minimum(wide, np.rint(tall * high).astype(np.int64)))
    height = np.where(found, heights[rows, first], np.minimum(tall, np.rint(wide / low).astype(np.int64)))
    top = np.where(found, (u[:, 0] * (tall - height + 1)).astype(np.int64), (tall - height) // 2)
    left = np.where(found, (u[:, 1] * (wide - width + 1)).astype(np.int64), (wide - width) // 2)
    return top, left, height, width


def _proportions(shapes: NDArray[np.int32], side: int) -> tuple[Ints, Ints]:
    """Return heights and widths (n,) with the ratios of `shapes` (n, 2) and a shorter side of `side` pixels."""
    scaled = np.rint(shapes * (side / shapes.min(axis=1, keepdims=True))).astype(np.int64)
    return scaled[:, 0], scaled[:, 1]


def _squeeze(start: Ints, length: Ints, full: Ints, *, side: int) -> tuple[Ints, Ints]:
    """Return starts and lengths of spans of lines of `full` pixels, once those are squeezed into `side` pixels."""
    first = np.minimum(np.rint(start * (side / full)).astype(np.int64), side - 1)
    last = np.rint((start + length) * (side / full)).astype(np.int64)
    return first, np.clip(last - first, 1, side - first)


def _uniform(u: Floats, low: float, high: float) -> Floats:
    return low + (high - low) * u


def _integer(u: Floats, limit: int) -> Ints:
    return (u * limit).astype(np.int64)


def _factor(u: Floats, strength: float) -> Floats:
    return _uniform(u, max(0.0, 1.0 - strength), 1.0 + strength)
