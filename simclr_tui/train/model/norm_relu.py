"""Batch norm, the shortcut's sum and ReLU of a ResNet, which a compiler can fuse.

They do little arithmetic and read and write every activation: eager, they take most of a GPU's step. Compiled alone,
on activations without their image shape, they need one compilation for every layer, batch and side of the views, and
take seconds; the whole network with symbolic sides took more than two minutes and had not ended (torch 2.11, H100).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_ALIGNED = 16  # channels: with any other number, compiled kernels could not load several values at once


class NormReLU(Protocol):
    """Computes relu(norm(x) + shortcut) of x and shortcut (n, C, S, S); without a shortcut relu(norm(x))."""

    def __call__(self, norm: nn.Module, x: Tensor, shortcut: Tensor | None = None) -> Tensor: ...


def norm_relu(norm: nn.Module, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
    """Compute a `NormReLU` one operation after the other."""
    y: Tensor = norm(x)
    return F.relu(y if shortcut is None else y + shortcut, inplace=True)


class FusedNormReLU:
    """Computes a `NormReLU` by functions that `compiled` makes of plain ones, in training mode."""

    def __init__(self, compiled: Callable[[Callable[..., Tensor]], Callable[..., Tensor]]) -> None:
        self._norm_relu, self._norm_add_relu = compiled(_norm_relu), compiled(_norm_add_relu)

    def __call__(self, norm: nn.Module, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        if type(norm) is not nn.BatchNorm2d or not norm.training or x.shape[1] % _ALIGNED:
            return norm_relu(norm, x, shortcut)
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked.add_(1)
        # A view of a parameter: torch compiles anew for each size of a parameter itself.
        parts = (norm.weight.view(-1), norm.bias.view(-1), norm.running_mean, norm.running_var, norm.momentum, norm.eps)
        if shortcut is None:
            flat = self._norm_relu(_rows(x), *parts)
        else:
            flat = self._norm_add_relu(_rows(x), _rows(shortcut), *parts)
        n, _, height, width = x.shape
        return flat.view(n, height, width, -1).permute(0, 3, 1, 2)


def _rows(x: Tensor) -> Tensor:
    """Return (n, C, S, S) as (n·S·S, C), without a copy where channels come last in memory."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _norm_relu(
    x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, momentum: float, eps: float
) -> Tensor:
    torch._check(x.shape[1] % _ALIGNED == 0)
    return F.relu(F.batch_norm(x, mean, variance, weight, bias, True, momentum, eps))


def _norm_add_relu(
    x: Tensor, shortcut: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, momentum: float, eps: float
) -> Tensor:
    torch._check(x.shape[1] % _ALIGNED == 0)
    return F.relu(F.batch_norm(x, mean, variance, weight, bias, True, momentum, eps) + shortcut)
