"""A batch's `ViewParams` as two tensors on the device, of a shape that depends on the number of views alone.

Nothing here is a list of the views that an operation chose: a flag is a number, 0 or 1, as the other parameters are.
So the host branches on nothing that was drawn, a compiler sees one shape, and a captured step can copy the next
step's parameters into the buffers that it reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simclr_tui.train.device import to_device
from simclr_tui.train.views.params import BRIGHTNESS, CONTRAST, HUE, ORDERS, SATURATION, ViewParams

# Brightness, contrast and saturation are blends, three a view in the view's own order; grayscale is a fourth.
COLOR_BLENDS = range(3)
GRAY_BLEND = 3

_AS_DRAWN = (
    "top", "left", "height", "width", "flip", "hue", "blur", "sigma", "cutout", "cutout_row", "cutout_column", "sobel",
    "noise", "vflip", "intensity", "brightness_range", "contrast_range", "gamma", "exponent", "channel_drop",
    "solarize", "poisson", "base_top", "base_left", "base_height", "base_width",
)  # fmt: skip
_COMPUTED = ("hue_place", "quarter_turns")
_BLENDS = tuple(f"{name}{blend}" for blend in (*COLOR_BLENDS, GRAY_BLEND) for name in ("factor", "gray", "mean"))
ROWS = {name: row for row, name in enumerate((*_AS_DRAWN, *_COMPUTED, *_BLENDS))}
"""Where each parameter stands in the table that goes to the device; a new operation's parameters are added here."""

NO_HUE = -1.0


@dataclass(frozen=True, eq=False, slots=True)
class DeviceParams:
    """Hold the parameters of 2N views on a device; `params["sigma"]` is (2N,), float32.

    `table` is (len(ROWS), 2N), float32, and `noise_seed` (2N,), int64. Beside what `ViewParams` names there are each
    blend's `factor0`, `gray0` and `mean0`, … (see `colour.blend`); `hue_place`, the blend, 0 to 3, before which the
    hue is shifted, or NO_HUE; and `quarter_turns`, 0 to 3.
    """

    table: Tensor
    noise_seed: Tensor

    def __getitem__(self, name: str) -> Tensor:
        return self.table[ROWS[name]]

    def chosen(self, name: str) -> Tensor:
        """Return which views pass an operation, (2N,), bool."""
        return self[name] != 0.0

    def of_images(self, first: int, last: int) -> DeviceParams:
        """Return the parameters of both views of the images from `first` to before `last`."""
        table = self.table.unflatten(1, (2, -1))[:, :, first:last].flatten(1)
        return DeviceParams(table, self.noise_seed.unflatten(0, (2, -1))[:, first:last].flatten())


def device_params(params: ViewParams, device: torch.device) -> DeviceParams:
    """Place the parameters on the device, without waiting for it."""
    table, seeds = host_tensors(params)
    return DeviceParams(to_device(table, device), to_device(seeds, device))


def host_tensors(params: ViewParams) -> tuple[Tensor, Tensor]:
    """Return `DeviceParams.table` and `DeviceParams.noise_seed` in the host's memory."""
    columns = _columns(params)
    table = np.stack([columns[name] for name in ROWS]).astype(np.float32)
    return torch.from_numpy(table), torch.from_numpy(params.noise_seed)


def _columns(params: ViewParams) -> dict[str, NDArray[np.float64]]:
    columns = {name: np.asarray(getattr(params, name), np.float64) for name in _AS_DRAWN}
    order = ORDERS[params.order]
    shifted = params.color & (params.hue != 0.0)
    columns["hue_place"] = np.where(shifted, (order == HUE).argmax(axis=1), NO_HUE)
    columns["quarter_turns"] = np.where(params.rotate, params.turns, 0).astype(np.float64)
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
