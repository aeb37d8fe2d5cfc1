"""Batch norm over the global batch (§2.2): local statistics would let the network recognise an image's two views.

Written here because torch's SyncBatchNorm runs on GPUs only and could not be tested against one process on a CPU.
Like that one it keeps its input for the backward pass and no further copy.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from simclr_tui.errors import RecipeError
from simclr_tui.train.distributed import ProcessGroup
from simclr_tui.train.model.head import ScaleOnlyBatchNorm1d

_KNOWN = (nn.BatchNorm1d, nn.BatchNorm2d, ScaleOnlyBatchNorm1d)


class SyncBatchNorm(_BatchNorm):
    """Apply batch norm by the mean and variance of all processes' inputs (n, C, …), n equal in each, in training mode.

    Parameters and buffers are those of the replaced module. Statistics are float32 under autocast.
    """

    def __init__(self, replaced: _BatchNorm, group: ProcessGroup) -> None:
        super().__init__(replaced.num_features, replaced.eps, replaced.momentum, affine=False)
        self.weight, self.bias = replaced.weight, replaced.bias
        self.running_mean, self.running_var = replaced.running_mean, replaced.running_var
        self.num_batches_tracked = replaced.num_batches_tracked
        self._group = group

    def _check_input_dim(self, input: Tensor) -> None:
        pass

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        with torch.autocast(input.device.type, enabled=False):
            mean, variance = self._statistics(input)
            scale = torch.rsqrt(variance + self.eps)
            normalized: Tensor = _Normalize.apply(  # type: ignore[no-untyped-call]
                input, mean, scale, self.weight, self.bias, self._group
            )
            return normalized

    @torch.no_grad()
    def _statistics(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and biased variance (C,), and update the running statistics.

        Combined from each process's mean and variance to avoid cancellation: the variance of all is the mean of the
        variances plus the variance of the means.
        """
        values = input if input.dtype == torch.float64 else input.float()
        variance, mean = torch.var_mean(values, dim=[0, *range(2, input.ndim)], correction=0)
        means, variances = self._group.all_gather(torch.stack((mean, variance))).unbind(1)
        mean = means.mean(dim=0)
        variance = variances.mean(dim=0) + (means - mean).square().mean(dim=0)
        self._update_running(mean, variance, count=self._group.size * input.numel() // input.shape[1])
        return mean, variance

    @torch.no_grad()
    def _update_running(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / max(1, count - 1)), self.momentum)


class _Normalize(torch.autograd.Function):
    """Return (x − mean)·scale·weight + bias, mean and scale (C,) being those of all processes' x; weight and bias may
    be None.

    Its gradient is that of the sum of the processes' losses, as it is through `ProcessGroup.all_gather`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        mean: Tensor,
        scale: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        group: ProcessGroup,
    ) -> Tensor:
        ctx.save_for_backward(x, mean, scale, weight)
        ctx.group, ctx.shifts = group, bias is not None
        weighted = scale if weight is None else scale * weight
        shift = -mean * weighted if bias is None else bias - mean * weighted
        return torch.addcmul(_as_channels(shift, x), x, _as_channels(weighted, x)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, mean, scale, weight = ctx.saved_tensors
        dims, grad = [0, *range(2, x.ndim)], grads[0].to(mean.dtype)
        normal = (x - _as_channels(mean, x)) * _as_channels(scale, x)
        sums = torch.stack((grad.sum(dims), (grad * normal).sum(dims)))
        # d(Σ losses)/dx: every process's x moves the mean and the variance of all.
        average, along = sums / (x.numel() // x.shape[1])
        both = [average, along]
        ctx.group.all_reduce_mean(both)
        weighted = scale if weight is None else scale * weight
        inner = grad - _as_channels(both[0], x) - normal * _as_channels(both[1], x)
        of_weight, of_bias = (
            sums[row] if needed else None for row, needed in ((1, weight is not None), (0, ctx.shifts))
        )
        return (inner * _as_channels(weighted, x)).to(x.dtype), None, None, of_weight, of_bias, None


def _as_channels(values: Tensor, like: Tensor) -> Tensor:
    return values.view(1, -1, *[1] * (like.ndim - 2))


def convert_sync_batchnorm(module: nn.Module, group: ProcessGroup) -> nn.Module:
    """Replace the batch norms of a module, in place, where there are several processes.

    Raises RecipeError for a subclass that does more than batch norm.
    """
    if group.size > 1:
        for parent in list(module.modules()):
            for name, child in list(parent.named_children()):
                if type(child) in _KNOWN:
                    setattr(parent, name, SyncBatchNorm(child, group))  # type: ignore[arg-type]
                elif isinstance(child, _BatchNorm):
                    raise RecipeError(
                        f"--gpus: this encoder's {type(child).__name__} cannot see the global batch",
                        "give --gpus 1, or one of the resnets as --encoder",
                    )
    return module
