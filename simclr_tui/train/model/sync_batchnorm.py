"""Batch norm over the global batch (§2.2): with each process's own statistics, an image's two views could know each
other by them.

Ours and not torch's SyncBatchNorm, which runs on GPUs alone and could not be proved against one process here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from simclr_tui.errors import RecipeError
from simclr_tui.train.distributed import World
from simclr_tui.train.model.head import ScaleOnlyBatchNorm1d

_KNOWN = (nn.BatchNorm1d, nn.BatchNorm2d, ScaleOnlyBatchNorm1d)


class GlobalBatchNorm(_BatchNorm):
    """In training mode, batch norm by the mean and variance of all processes' inputs (n, C, …); of equal n each.

    Parameters and buffers are those of the module that it replaces. Statistics are float32 under autocast.
    """

    def __init__(self, replaced: _BatchNorm, world: World) -> None:
        super().__init__(replaced.num_features, replaced.eps, replaced.momentum, affine=False)
        self.weight, self.bias = replaced.weight, replaced.bias
        self.running_mean, self.running_var = replaced.running_mean, replaced.running_var
        self.num_batches_tracked = replaced.num_batches_tracked
        self._world = world

    def _check_input_dim(self, input: Tensor) -> None:
        pass

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        with torch.autocast(input.device.type, enabled=False):
            mean, variance = self._statistics(input)
            scale = torch.rsqrt(variance + self.eps)
            if self.weight is not None:
                scale = scale * self.weight
            shift = -mean * scale if self.bias is None else self.bias - mean * scale
            shape = (1, -1, *[1] * (input.ndim - 2))
            return torch.addcmul(shift.view(shape), input, scale.view(shape)).to(input.dtype)

    def _statistics(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and biased variance (C,), and move the running statistics.

        From each process's own mean and variance, so that nothing cancels: the variance of all is the mean of their
        variances and the variance of their means.
        """
        values = input if input.dtype == torch.float64 else input.float()
        variance, mean = torch.var_mean(values, dim=[0, *range(2, input.ndim)], correction=0)
        means, variances = self._world.gather(torch.stack((mean, variance))).unbind(1)
        mean = means.mean(dim=0)
        variance = variances.mean(dim=0) + (means - mean).square().mean(dim=0)
        self._move(mean.detach(), variance.detach(), count=self._world.size * input.numel() // input.shape[1])
        return mean, variance

    @torch.no_grad()
    def _move(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / max(1, count - 1)), self.momentum)


def with_global_norm(module: nn.Module, world: World) -> nn.Module:
    """Replace the batch norms of a module, in place, where there are several processes. Raises RecipeError for a kind
    that does more than batch norm."""
    if world.size > 1:
        for parent in list(module.modules()):
            for name, child in list(parent.named_children()):
                if type(child) in _KNOWN:
                    setattr(parent, name, GlobalBatchNorm(child, world))  # type: ignore[arg-type]
                elif isinstance(child, _BatchNorm):
                    raise RecipeError(
                        f"--gpus: this encoder's {type(child).__name__} cannot see the global batch",
                        "give --gpus 1, or one of the resnets as --encoder",
                    )
    return module
