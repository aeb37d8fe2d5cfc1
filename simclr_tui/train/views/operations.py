"""Apply each operation to the views that it chose, in two forms that give the same views.

Masked, an operation computes every view and keeps the result where it was chosen: no shape and no branch depends on
what was drawn, which is what a GPU and a compiler want. Selected, it computes the chosen views alone, which costs a
CPU less.

To add an operation: write it over images (n, C, T, T) with a tensor (n,) for each parameter (`filters.py`,
`colour.py`), draw its parameters (`params.py`), give them rows (`device_params.ROWS`), and add a line to OPERATIONS.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from simclr_tui.train.views.colour import blend, shift_hue
from simclr_tui.train.views.device_params import COLOR_BLENDS, GRAY_BLEND, DeviceParams
from simclr_tui.train.views.filters import add_noise, cutout, sobel
from simclr_tui.train.views.intensity import change_gamma, drop_channel, jitter_channels, shot_noise, solarize
from simclr_tui.train.views.resample import bicubic_weights, gaussian_blur, resample

Operation = Callable[[Tensor, DeviceParams, bool], Tensor]
"""(views (2N, C, T, T), their parameters, whether in masked form) → views; the given ones may be written to."""


def _change(views: Tensor, chosen: Tensor, masked: bool, change: Callable[..., Tensor], *parameters: Tensor) -> Tensor:
    """Return the views with the `chosen` (2N,) among them changed; `parameters` (2N,) are arguments of `change`."""
    if masked:
        return torch.where(chosen.view(-1, 1, 1, 1), change(views, *parameters), views)
    numbers = chosen.nonzero().flatten()
    if len(numbers):
        some = (parameter.index_select(0, numbers) for parameter in parameters)
        views.index_copy_(0, numbers, change(views.index_select(0, numbers), *some))
    return views


def _flagged(name: str, change: Callable[..., Tensor], *parameters: str) -> Operation:
    """Return the operation that makes `change` of the views whose flag `name` is set."""

    def operation(views: Tensor, params: DeviceParams, masked: bool) -> Tensor:
        return _change(views, params.chosen(name), masked, change, *(params[parameter] for parameter in parameters))

    return operation


def _crop(views: Tensor, params: DeviceParams, masked: bool) -> Tensor:
    size = views.shape[-1]
    rows = bicubic_weights(params["top"], params["height"], None, size, size)
    columns = bicubic_weights(params["left"], params["width"], None, size, size)
    return resample(views, rows, columns).clamp_(0.0, 1.0)


def _color(views: Tensor, params: DeviceParams, masked: bool) -> Tensor:
    for place in COLOR_BLENDS:
        views = _blend(_shift_hue(views, params, masked, place), params, masked, place)
    return _shift_hue(views, params, masked, len(COLOR_BLENDS))


def _shift_hue(views: Tensor, params: DeviceParams, masked: bool, place: int) -> Tensor:
    return _change(views, params["hue_place"] == place, masked, shift_hue, params["hue"])


def _blend(views: Tensor, params: DeviceParams, masked: bool, place: int) -> Tensor:
    # A factor of 1 leaves a view as it is, so a blend needs no mask; a CPU skips one that changes no view at all.
    factor = params[f"factor{place}"]
    if not masked and not bool((factor != 1.0).any()):
        return views
    return blend(views, factor, params[f"gray{place}"], params[f"mean{place}"])


def _gray(views: Tensor, params: DeviceParams, masked: bool) -> Tensor:
    return _blend(views, params, masked, GRAY_BLEND)


def _rotate(views: Tensor, params: DeviceParams, masked: bool) -> Tensor:
    rotated = views
    for turns in (1, 2, 3):
        turn = partial(torch.rot90, k=turns, dims=(2, 3))
        rotated = _change(rotated, params["quarter_turns"] == turns, masked, turn)
    return rotated


def _seeded(name: str, change: Callable[..., Tensor], *parameters: str) -> Operation:
    """Return the operation as `_flagged` does, of a `change` whose last argument is each view's seed."""

    def operation(views: Tensor, params: DeviceParams, masked: bool) -> Tensor:
        values = (params[parameter] for parameter in parameters)
        return _change(views, params.chosen(name), masked, change, *values, params.noise_seed)

    return operation


OPERATIONS: dict[str, Operation] = {
    "crop": _crop,
    "flip": _flagged("flip", lambda views: views.flip(3)),
    "color": _color,
    "gray": _gray,
    "blur": _flagged("blur", gaussian_blur, "sigma"),
    "cutout": _flagged("cutout", cutout, "cutout_row", "cutout_column"),
    "rotate": _rotate,
    "sobel": _flagged("sobel", sobel),
    "noise": _seeded("noise", add_noise),
    "vflip": _flagged("vflip", lambda views: views.flip(2)),
    "intensity": _seeded("intensity", jitter_channels, "brightness_range", "contrast_range"),
    "gamma": _flagged("gamma", change_gamma, "exponent"),
    "channel_drop": _seeded("channel_drop", drop_channel),
    "solarize": _flagged("solarize", solarize),
    "poisson": _seeded("poisson", shot_noise),
}
"""The operations by the names that a recipe's `--augment` gives them."""
