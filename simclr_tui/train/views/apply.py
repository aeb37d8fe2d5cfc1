"""Two augmented views of a batch on the device (§2.1, §A, §3.1): no loop over images, no wait for the device."""

from __future__ import annotations

import torch
from torch import Tensor

from simclr_tui.train.data.pixels import levels_of
from simclr_tui.train.views.device_params import DeviceParams, device_params
from simclr_tui.train.views.operations import OPERATIONS
from simclr_tui.train.views.params import BASE, ViewParams
from simclr_tui.train.views.resample import bicubic_weights, resize_each, resize_pair

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
    """Return both views (2N, C, size, size), float32 in [0, 1], of images (N, C, S, S), uint8 or uint16.

    The first N are the first views. Views pass `params.operations` in their order. A crop that comes first (the base
    crop always does) resizes to the views' size; without one, the whole image is resized before all else. A crop that
    comes later is of the view. The result is on the images' device.
    """
    placed = device_params(params, images.device)
    return make_views(images, placed, size, params.operations, memory_format)


@torch.no_grad()
def make_views(
    images: Tensor,
    params: DeviceParams,
    size: int,
    operations: tuple[str, ...],
    memory_format: torch.memory_format,
) -> Tensor:
    """Return the views of `two_views` from parameters that lie on the images' device already."""
    with torch.autocast(images.device.type, enabled=False):
        views = render(images, params.table, params.noise_seed, size, operations)
        return views.contiguous(memory_format=memory_format)


def render(
    images: Tensor,
    table: Tensor,
    noise_seed: Tensor,
    size: int,
    operations: tuple[str, ...],
    *,
    masked: bool | None = None,
) -> Tensor:
    """Return the views of `two_views` from parameters that lie on the images' device (see `DeviceParams`).

    In masked form nothing here depends on what was drawn; by default that is the form everywhere but on a CPU.
    """
    masked = images.device.type != "cpu" if masked is None else masked
    params = DeviceParams(table, noise_seed)
    box = "base_" if operations[:1] == (BASE,) else "" if operations[:1] == ("crop",) else None
    cropped = box is not None
    flip = operations[cropped : cropped + 1] == ("flip",)  # costs nothing within the same resampling
    views = _resize(images, params, size, box=box, flip=flip, masked=masked)
    for operation in operations[cropped + flip :]:
        views = OPERATIONS[operation](views, params, masked)
    return views


def _resize(images: Tensor, params: DeviceParams, size: int, *, box: str | None, flip: bool, masked: bool) -> Tensor:
    """Return both views of `size`: of the boxes whose names begin with `box`, or (None) of the whole images."""
    side, levels = images.shape[-1], float(levels_of(images.dtype))
    top, left, height, width = (params[f"{box or ''}{name}"] for name in ("top", "left", "height", "width"))
    if box is None:
        top = left = torch.zeros_like(top)
        height = width = torch.full_like(top, side)
    if not masked and side >= _ONE_BY_ONE:
        boxes = torch.stack([top, left, height, width], dim=1).int()
        return resize_each(images.float().div_(levels), boxes, params.chosen("flip") if flip else None, size)
    rows = bicubic_weights(top, height, None, side, size)
    columns = bicubic_weights(left, width, params["flip"] if flip else None, side, size).div_(levels)
    return resize_pair(images.float(), rows, columns).clamp_(0.0, 1.0)
