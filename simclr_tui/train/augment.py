"""Two augmented views of a batch in one pass on the device (§2.1, §A): no loop over images, no wait for the device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simclr_tui.train.colour import blend, shift_hue
from simclr_tui.train.resample import bicubic_weights, blur, gaussian_kernel_size, gaussian_weights, resize_pair
from simclr_tui.train.views import BRIGHTNESS, CONTRAST, HUE, ORDERS, SATURATION, ViewParams

# Brightness, contrast and saturation are blends, three a view in the view's own order; grayscale is a fourth.
# The hue shift falls before, between or after the three: at one of four places.
_BLENDS = 4
_Columns = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False, slots=True)
class _Plan:
    """A batch's parameters on the device: one value a view, and lists of the views that need more than a blend."""

    values: dict[str, Tensor]
    hue: list[Tensor]  # view numbers, by the blend they go before
    blurred: Tensor
    blends: list[bool]  # whether the blend changes any view


@torch.no_grad()
def two_views(
    images: Tensor,
    params: ViewParams,
    size: int,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Tensor:
    """Return both views (2N, 3, size, size), float32 in [0, 1], of images (N, 3, S, S), uint8.

    The first N are the first views. The result is on the images' device.
    """
    with torch.autocast(images.device.type, enabled=False):
        plan = _plan(params, images.device)
        views = _crop(images, plan.values, size)
        for stage in range(_BLENDS):
            _shift_hue(views, plan.hue[stage], plan.values["hue"])
            if plan.blends[stage]:
                factor, gray, mean = (plan.values[f"{name}{stage}"] for name in ("factor", "gray", "mean"))
                views = blend(views, factor, gray, mean)
        _blur(views, plan.blurred, plan.values["sigma"], size)
        return views.contiguous(memory_format=memory_format)


def _crop(images: Tensor, values: dict[str, Tensor], size: int) -> Tensor:
    side = images.shape[-1]
    rows = bicubic_weights(values["top"], values["height"], None, side, size)
    columns = bicubic_weights(values["left"], values["width"], values["flip"], side, size).div_(255.0)
    return resize_pair(images.float(), rows, columns).clamp_(0.0, 1.0)


def _shift_hue(views: Tensor, chosen: Tensor, turns: Tensor) -> None:
    if len(chosen):
        shifted = shift_hue(views.index_select(0, chosen), turns.index_select(0, chosen))
        views.index_copy_(0, chosen, shifted)


def _blur(views: Tensor, chosen: Tensor, sigma: Tensor, size: int) -> None:
    if len(chosen):
        weights = gaussian_weights(sigma.index_select(0, chosen), size, gaussian_kernel_size(size))
        views.index_copy_(0, chosen, blur(views.index_select(0, chosen), weights).clamp_(0.0, 1.0))


def _plan(params: ViewParams, device: torch.device) -> _Plan:
    columns = _columns(params)
    table = _to_device(torch.from_numpy(np.stack(list(columns.values())).astype(np.float32)), device)
    lists = [*_hue_turns(params), np.flatnonzero(params.blur)]
    chosen = _to_device(torch.from_numpy(np.concatenate(lists)), device)
    *hue, blurred = torch.split(chosen, [len(views) for views in lists])
    blends = [bool((columns[f"factor{stage}"] != 1.0).any()) for stage in range(_BLENDS)]
    return _Plan(dict(zip(columns, table.unbind(0), strict=True)), hue, blurred, blends)


def _columns(params: ViewParams) -> _Columns:
    names = ("top", "left", "height", "width", "flip", "hue", "sigma")
    columns: _Columns = {name: np.asarray(getattr(params, name), np.float64) for name in names}
    order = ORDERS[params.order]
    operations = order[order != HUE].reshape(-1, 3)
    factors = np.ones((len(params), 4))
    for operation, values in (
        (BRIGHTNESS, params.brightness),
        (CONTRAST, params.contrast),
        (SATURATION, params.saturation),
    ):
        factors[:, operation] = np.where(params.color, values, 1.0)
    for stage, operation in enumerate(operations.T):
        columns[f"factor{stage}"] = factors[np.arange(len(params)), operation]
        columns[f"gray{stage}"] = (operation == SATURATION).astype(np.float64)
        columns[f"mean{stage}"] = (operation == CONTRAST).astype(np.float64)
    columns["factor3"] = np.where(params.gray, 0.0, 1.0)
    columns["gray3"] = np.ones(len(params))
    columns["mean3"] = np.zeros(len(params))
    return columns


def _hue_turns(params: ViewParams) -> list[NDArray[np.int64]]:
    place = (ORDERS[params.order] == HUE).argmax(axis=1)
    shifted = params.color & (params.hue != 0.0)
    return [np.flatnonzero(shifted & (place == stage)) for stage in range(_BLENDS)]


def _to_device(tensor: Tensor, device: torch.device) -> Tensor:
    if device.type == "cpu":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)
