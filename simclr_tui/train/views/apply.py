"""Two augmented views of a batch on the device (§2.1, §A, §3.1): no loop over images, no wait for the device."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from simclr_tui.train.views.colour import blend, shift_hue
from simclr_tui.train.views.device_params import COLOR_BLENDS, GRAY_BLEND, QUARTERS, DeviceParams, to_device
from simclr_tui.train.views.filters import add_noise, cutout, sobel
from simclr_tui.train.views.params import ViewParams
from simclr_tui.train.views.resample import bicubic_weights, gaussian_blur, resample, resize_each, resize_pair

# Pixels of a source's side from which a CPU is quicker to resize view after view than to multiply by matrices that are
# mostly zeros. A GPU would wait for the launch of each.
_ONE_BY_ONE = 64


@torch.no_grad()
def two_views(
    images: Tensor,
    params: ViewParams,
    size: int,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Tensor:
    """Return both views (2N, 3, size, size), float32 in [0, 1], of images (N, 3, S, S), uint8.

    The first N are the first views. Views pass `params.operations` in their order. A crop that comes first resizes
    to the views' size; where it does not, the whole image is resized before all else, and the crop is of that. The
    result is on the images' device.
    """
    operations = params.operations
    crop = operations[:1] == ("crop",)
    flip = operations[crop : crop + 1] == ("flip",)  # costs nothing within the same resampling
    with torch.autocast(images.device.type, enabled=False):
        batch = to_device(params, images.device)
        views = _resize(images, batch, size, crop, flip)
        for operation in operations[crop + flip :]:
            views = _APPLY[operation](views, batch)
        return views.contiguous(memory_format=memory_format)


def _resize(images: Tensor, batch: DeviceParams, size: int, crop: bool, flip: bool) -> Tensor:
    side, values = images.shape[-1], batch.values
    top, left, height, width = (values[name] for name in ("top", "left", "height", "width"))
    if not crop:
        top = left = torch.zeros_like(top)
        height = width = torch.full_like(top, side)
    if images.device.type == "cpu" and side >= _ONE_BY_ONE:
        boxes = torch.stack([top, left, height, width], dim=1).int()
        return resize_each(images.float().div_(255.0), boxes, values["flip"].bool() if flip else None, size)
    rows = bicubic_weights(top, height, None, side, size)
    columns = bicubic_weights(left, width, values["flip"] if flip else None, side, size).div_(255.0)
    return resize_pair(images.float(), rows, columns).clamp_(0.0, 1.0)


def _crop(views: Tensor, batch: DeviceParams) -> Tensor:
    size, values = views.shape[-1], batch.values
    rows = bicubic_weights(values["top"], values["height"], None, size, size)
    columns = bicubic_weights(values["left"], values["width"], None, size, size)
    return resample(views, rows, columns).clamp_(0.0, 1.0)


def _flip(views: Tensor, batch: DeviceParams) -> Tensor:
    return _change(views, batch.chosen["flip"], lambda chosen: chosen.flip(3))


def _color(views: Tensor, batch: DeviceParams) -> Tensor:
    for place in COLOR_BLENDS:
        _shift_hue(views, batch, place)
        views = _blend(views, batch, place)
    return _shift_hue(views, batch, len(COLOR_BLENDS))


def _shift_hue(views: Tensor, batch: DeviceParams, place: int) -> Tensor:
    chosen, turns = batch.chosen[f"hue{place}"], batch.values["hue"]
    return _change(views, chosen, lambda some: shift_hue(some, turns.index_select(0, chosen)))


def _blend(views: Tensor, batch: DeviceParams, place: int) -> Tensor:
    if not batch.blends[place]:
        return views
    factor, gray, mean = (batch.values[f"{name}{place}"] for name in ("factor", "gray", "mean"))
    return blend(views, factor, gray, mean)


def _gray(views: Tensor, batch: DeviceParams) -> Tensor:
    return _blend(views, batch, GRAY_BLEND)


def _blur(views: Tensor, batch: DeviceParams) -> Tensor:
    chosen, sigma = batch.chosen["blur"], batch.values["sigma"]
    return _change(views, chosen, lambda some: gaussian_blur(some, sigma.index_select(0, chosen)))


def _cutout(views: Tensor, batch: DeviceParams) -> Tensor:
    chosen = batch.chosen["cutout"]
    row, column = (batch.values[name].index_select(0, chosen) for name in ("cutout_row", "cutout_column"))
    return _change(views, chosen, lambda some: cutout(some, row, column))


def _rotate(views: Tensor, batch: DeviceParams) -> Tensor:
    for turns in QUARTERS:
        _change(views, batch.chosen[f"rotate{turns}"], partial(torch.rot90, k=turns, dims=(2, 3)))
    return views


def _sobel(views: Tensor, batch: DeviceParams) -> Tensor:
    return _change(views, batch.chosen["sobel"], sobel)


def _noise(views: Tensor, batch: DeviceParams) -> Tensor:
    return _change(views, batch.chosen["noise"], lambda some: add_noise(some, batch.noise_seed))


def _change(views: Tensor, chosen: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Put the changed ones in place of the chosen views. Returns the same tensor."""
    if len(chosen):
        views.index_copy_(0, chosen, change(views.index_select(0, chosen)))
    return views


_APPLY: dict[str, Callable[[Tensor, DeviceParams], Tensor]] = {
    "crop": _crop,
    "flip": _flip,
    "color": _color,
    "gray": _gray,
    "blur": _blur,
    "cutout": _cutout,
    "rotate": _rotate,
    "sobel": _sobel,
    "noise": _noise,
}
