"""A batch's ViewParams as tensors on the device: two transfers, and all that is branched on known to the host."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simclr_tui.train.views.params import BRIGHTNESS, CONTRAST, HUE, ORDERS, SATURATION, ViewParams

# Brightness, contrast and saturation are blends, three a view in the view's own order; grayscale is a fourth.
# The hue shift falls before, between or after the three: at one of four places.
COLOR_BLENDS = range(3)
GRAY_BLEND = 3
QUARTERS = (1, 2, 3)

_PLAIN = ("top", "left", "height", "width", "flip", "hue", "sigma", "cutout_row", "cutout_column")
_SELECTED = ("flip", "blur", "cutout", "sobel", "noise")
_Columns = dict[str, NDArray[np.float64]]
_Lists = dict[str, NDArray[np.int64]]


@dataclass(frozen=True, eq=False, slots=True)
class DeviceParams:
    """One value a view by name, the views that pass an operation, and which blends change any view.

    `values` are (2N,) float32: those of ViewParams and each blend's factor, gray and mean, as in `factor0`.
    `chosen` are view numbers, int64: by operation, by the blend that a hue shift comes before (`hue0` … `hue3`) and
    by quarter turns (`rotate1` … `rotate3`). `noise_seed` belongs to the views of `chosen["noise"]`.
    """

    values: dict[str, Tensor]
    chosen: dict[str, Tensor]
    noise_seed: Tensor
    blends: list[bool]


def to_device(params: ViewParams, device: torch.device) -> DeviceParams:
    """Place the parameters on the device, without waiting for it."""
    columns, lists = _columns(params), _lists(params)
    blends = [bool((columns[f"factor{blend}"] != 1.0).any()) for blend in (*COLOR_BLENDS, GRAY_BLEND)]
    table = _moved(torch.from_numpy(np.stack(list(columns.values())).astype(np.float32)), device)
    numbers = _moved(torch.from_numpy(np.concatenate(list(lists.values()))), device)
    chosen = dict(zip(lists, torch.split(numbers, [len(views) for views in lists.values()]), strict=True))
    seeds = chosen.pop("noise_seed")
    return DeviceParams(dict(zip(columns, table.unbind(0), strict=True)), chosen, seeds, blends)


def _columns(params: ViewParams) -> _Columns:
    columns: _Columns = {name: np.asarray(getattr(params, name), np.float64) for name in _PLAIN}
    order = ORDERS[params.order]
    operations = order[order != HUE].reshape(-1, len(COLOR_BLENDS))
    factors = np.ones((len(params), 4))
    for operation, values in (
        (BRIGHTNESS, params.brightness),
        (CONTRAST, params.contrast),
        (SATURATION, params.saturation),
    ):
        factors[:, operation] = np.where(params.color, values, 1.0)
    for blend, operation in enumerate(operations.T):
        columns[f"factor{blend}"] = factors[np.arange(len(params)), operation]
        columns[f"gray{blend}"] = (operation == SATURATION).astype(np.float64)
        columns[f"mean{blend}"] = (operation == CONTRAST).astype(np.float64)
    columns[f"factor{GRAY_BLEND}"] = np.where(params.gray, 0.0, 1.0)
    columns[f"gray{GRAY_BLEND}"] = np.ones(len(params))
    columns[f"mean{GRAY_BLEND}"] = np.zeros(len(params))
    return columns


def _lists(params: ViewParams) -> _Lists:
    lists = {name: np.flatnonzero(getattr(params, name)) for name in _SELECTED}
    place = (ORDERS[params.order] == HUE).argmax(axis=1)
    shifted = params.color & (params.hue != 0.0)
    for blend in (*COLOR_BLENDS, GRAY_BLEND):
        lists[f"hue{blend}"] = np.flatnonzero(shifted & (place == blend))
    for turns in QUARTERS:
        lists[f"rotate{turns}"] = np.flatnonzero(params.rotate & (params.turns == turns))
    lists["noise_seed"] = params.noise_seed[params.noise]
    return lists


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    if device.type == "cpu":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)
