"""Batch norm, the shortcut's sum and ReLU of a ResNet, which a compiler can fuse.

They do little arithmetic and read and write every activation: eager, they take half of a step on a GPU. Compiled alone,
over activations without their image shape, they need one compilation for each number of channels, whatever the batch
and the side of the views. The whole network takes longer by far, and its convolutions are the same kernels anyway.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_ALIGNED = 16  # channels; with another number, compiled kernels cannot load several values at once
_COMPILATIONS = 64  # of a function, beyond which torch would go on without; it begins at 8, ResNets have 4 widths

Compile = Callable[[Callable[..., Tensor]], Callable[..., Tensor]]


class Norms:
    """Compute norms (n, C, S, S) and what follows them, one operation after the other."""

    def norm(self, norm: nn.Module, x: Tensor) -> Tensor:
        """Return norm(x)."""
        y: Tensor = norm(x)
        return y

    def norm_relu(self, norm: nn.Module, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        """Return relu(norm(x)), or with a shortcut relu(norm(x) + shortcut)."""
        y: Tensor = norm(x)
        return F.relu(y if shortcut is None else y + shortcut, inplace=True)


class FusedNorms(Norms):
    """Compute norms and what follows them in training mode, by functions that `compiled` makes of plain ones."""

    def __init__(self, compiled: Compile) -> None:
        torch._dynamo.config.recompile_limit = max(_COMPILATIONS, torch._dynamo.config.recompile_limit)
        self._norm, self._norm_relu = compiled(_norm), compiled(_norm_relu)
        self._norm_add_relu = compiled(_norm_add_relu)

    def norm(self, norm: nn.Module, x: Tensor) -> Tensor:
        if not _fusable(norm, x):
            return super().norm(norm, x)
        return _as_images(self._norm(_rows(x), *_parts(norm)), x)

    def norm_relu(self, norm: nn.Module, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        if not _fusable(norm, x):
            return super().norm_relu(norm, x, shortcut)
        if shortcut is None:
            return _as_images(self._norm_relu(_rows(x), *_parts(norm)), x)
        return _as_images(self._norm_add_relu(_rows(x), _rows(shortcut), *_parts(norm)), x)


def _fusable(norm: nn.Module, x: Tensor) -> bool:
    return type(norm) is nn.BatchNorm2d and norm.training and x.shape[1] % _ALIGNED == 0


def _parts(norm: nn.Module) -> tuple[Tensor, Tensor, Tensor, Tensor, float, float]:
    """Return what the functions below take after their images, and count the batch as the module does."""
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked.add_(1)
    return norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.momentum or 0.0, norm.eps


def _rows(x: Tensor) -> Tensor:
    """Return (n, C, S, S) as (n·S·S, C), without a copy where channels come last in memory."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _as_images(rows: Tensor, like: Tensor) -> Tensor:
    n, _, height, width = like.shape
    return rows.view(n, height, width, -1).permute(0, 3, 1, 2)


def _norm(
    x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, momentum: float, eps: float
) -> Tensor:
    return F.batch_norm(x, mean, variance, weight, bias, True, momentum, eps)


def _norm_relu(x: Tensor, *parts: Tensor | float) -> Tensor:
    return F.relu(_norm(x, *parts))  # type: ignore[arg-type]


def _norm_add_relu(x: Tensor, shortcut: Tensor, *parts: Tensor | float) -> Tensor:
    return F.relu(_norm(x, *parts) + shortcut)  # type: ignore[arg-type]
