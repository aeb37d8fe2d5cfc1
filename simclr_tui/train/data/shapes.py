"""Ten classes of form and texture, generated: something to learn from where there is no network.

A class is a figure and never a colour: both colours, the background, the light, place, size and rotation are drawn
from the same distributions for every class. An image is a pure function of (split, index, size).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simclr_tui.recipe.datasets import KNOWN
from simclr_tui.train.data import decoded_cache
from simclr_tui.train.data.each import Progress
from simclr_tui.train.data.images import Data, ImageSet
from simclr_tui.train.data.pixels import Labels, Pixels
from simclr_tui.train.data.shape_masks import FIGURES, NAMES

Float = npt.NDArray[np.floating[Any]]

VERSION = 2  # of the drawing; part of the cache's key
_BLOCK = 1 << 18  # pixels drawn at a time: what fits into a core's cache
_DRAWS = 24  # random numbers an image takes
_DARK = np.array([[0.15, 0.2, 0.5], [0.45, 0.12, 0.15], [0.1, 0.35, 0.2]], np.float32)
_LIGHT = np.array([[0.95, 0.85, 0.45], [0.6, 0.85, 0.95], [0.95, 0.7, 0.75]], np.float32)
_SHADE = 0.08  # how far a paint is from its neighbour of the same name


def open_shapes(image_size: int, subset: int, progress: Progress, *, cache_dir: Path) -> Data:
    """Return 10,000 training and 2,000 test images of `image_size` px, at most `subset` of each (0: all)."""
    counts = [min(subset or count, count) for count in (KNOWN["shapes"].train, KNOWN["shapes"].test)]

    def build(allocate: decoded_cache.Allocate) -> Data:
        train = _generate("train", 0, counts[0], size=image_size, progress=progress, allocate=allocate)
        return Data(
            train, _generate("test", 1, counts[1], size=image_size, progress=progress, allocate=allocate), NAMES
        )

    return decoded_cache.cached(
        cache_dir, decoded_cache.key(["shapes", VERSION, image_size, *counts]), build, about="shapes"
    )


def _generate(
    split: str, stream: int, count: int, *, size: int, progress: Progress, allocate: decoded_cache.Allocate
) -> ImageSet:
    out = allocate(split, (count, 3, size, size), "uint8")
    step = max(1, _BLOCK // size**2)
    for start in range(0, count, step):
        stop = min(start + step, count)
        out[start:stop] = draw_shapes(stream, np.arange(start, stop), size)
        progress(f"drawing {split} images", stop, count)
    return ImageSet(out, shape_labels(np.arange(count)))


def shape_labels(index: npt.NDArray[np.int64]) -> Labels:
    """Return classes that take turns, so that every run of ten images is balanced."""
    return index % len(FIGURES)


def draw_shapes(stream: int, index: npt.NDArray[np.int64], size: int) -> Pixels:
    """Return images `index` of a stream, (len(index), 3, size, size)."""
    chance = _chance(stream, index, _DRAWS)
    axis = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
    x, y = axis[None, None, :], axis[None, :, None]
    cover = _cover(chance[:, :5], shape_labels(index), x=x, y=y, size=size)
    behind, figure = _colours(chance[:, 5:11])
    ground = _ground(chance[:, 11:17], behind, x=x, y=y, stream=stream, index=index)
    image = ground + cover[:, None] * (figure[:, :, None, None] - ground)
    image *= _light(chance[:, 17:19], x, y)[:, None]
    pixels: Pixels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return pixels


def _chance(stream: int, index: npt.NDArray[np.int64], count: int) -> Float:
    """Return uniform numbers in [0, 1), (len(index), count), each a hash of (stream, index, its column): SplitMix64."""
    counter: Any = (index.astype(np.uint64)[:, None] << np.uint64(24)) + np.arange(count, dtype=np.uint64)
    z: npt.NDArray[np.uint64] = (counter + np.uint64(stream << 60)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    uniform: Float = ((z ^ (z >> np.uint64(31))) >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)
    return uniform


def _cover(chance: Float, labels: Labels, *, x: Float, y: Float, size: int) -> Float:
    """Return how much of each pixel the figure covers, (N, size, size), antialiased by signed distance."""
    radius = 0.55 + 0.35 * chance[:, 0]
    room = 0.2 * (chance[:, 1:3] * 2 - 1)
    angle = 2 * np.pi * chance[:, 3]
    cos, sin = _wide(np.cos(angle) / radius), _wide(np.sin(angle) / radius)
    dx, dy = x - _wide(room[:, 0]), y - _wide(room[:, 1])
    u, v = cos * dx + sin * dy, cos * dy - sin * dx
    cover = np.empty(u.shape, np.float32)
    for label, figure in enumerate(FIGURES):
        mine = labels == label
        edge = figure(u[mine], v[mine]) * _wide(radius[mine]) * np.float32(size / 2)
        cover[mine] = np.clip(0.5 - edge, 0, 1)
    return cover


def _wide(values: Float) -> Float:
    return values[:, None, None]


def _colours(chance: Float) -> tuple[Float, Float]:
    """Return colours of background and figure, (N, 3) each: one dark and one light paint, either one behind, each a
    shade off.

    Few paints, because a pair of colours that no other image has tells an image from the rest without a look at its
    figure, and a contrastive learner takes what is easiest to see (§3.2 of the paper: the colour histogram shortcut).
    """
    swapped = chance[:, 0] < 0.5
    dark, light = (paints[(chance[:, i] * len(paints)).astype(np.int64)] for i, paints in ((1, _DARK), (2, _LIGHT)))
    shade = _SHADE * (chance[:, 3:5] * 2 - 1)
    behind = np.where(swapped[:, None], light, dark) + shade[:, :1]
    figure = np.where(swapped[:, None], dark, light) + shade[:, 1:]
    return np.clip(behind, 0, 1), np.clip(figure, 0, 1)


def _ground(chance: Float, colour: Float, *, x: Float, y: Float, stream: int, index: npt.NDArray[np.int64]) -> Float:
    """Return backgrounds (N, 3, size, size): a third plain, a third with a gradient of colour, a third with grain."""
    kind = (chance[:, 0] * 3).astype(np.int64)
    size = x.shape[-1]
    ground = np.repeat(colour, size * size, axis=1).reshape(len(colour), 3, size, size)
    slope, grain = kind == 1, kind == 2
    angle = _wide(2 * np.pi * chance[slope, 1])
    ramp = 0.5 * (np.cos(angle) * x + np.sin(angle) * y)
    ground[slope] += ramp[:, None] * (chance[slope, 2:5] - 0.5)[:, :, None, None]
    noise = _chance(stream + 2, index[grain], size * size).reshape(-1, 1, size, size) - 0.5
    ground[grain] += noise * (0.15 + 0.35 * chance[grain, 5])[:, None, None, None]
    return ground


def _light(chance: Float, x: Float, y: Float) -> Float:
    """Return the brightness over the image, (N, size, size): falls off to one side by up to 35 %."""
    angle, strength = _wide(2 * np.pi * chance[:, 0]), _wide(0.35 * chance[:, 1])
    return 1 + strength * (np.cos(angle) * x + np.sin(angle) * y) * np.float32(0.7)
