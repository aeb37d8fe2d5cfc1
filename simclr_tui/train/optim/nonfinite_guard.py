"""Keep non-finite values out of the weights (F17): a step that has any becomes a no-op, decided on the device."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from simclr_tui.errors import DivergedError
from simclr_tui.train.optim.loss_scale import SMALLEST, LossScale


class NonfiniteGuard:
    """Watch loss and gradient; from the first step that is not finite, weights and optimiser state stay as they are.

    The device decides, and the host learns of it with the telemetry. With a loss scale, a gradient that is not finite
    skips its own step alone, until the scale cannot shrink any further.
    """

    def __init__(
        self, modules: Iterable[tuple[str, nn.Module]], device: torch.device, scale: LossScale | None = None
    ) -> None:
        self._named = [
            (f"{prefix}.{name}", parameter)
            for prefix, module in modules
            for name, parameter in module.named_parameters()
            if parameter.requires_grad
        ]
        self._scale = scale
        self._nonfinite = torch.zeros((), device=device)
        self._layers = torch.zeros(len(self._named), dtype=torch.bool, device=device)
        self.found_inf = torch.zeros((), device=device)

    def grads(self) -> list[Tensor]:
        """Return the gradients of the parameters that have one."""
        return [parameter.grad for _, parameter in self._named if parameter.grad is not None]

    def tensors(self) -> list[Tensor]:
        """Return what is kept on the device from step to step."""
        return [self._nonfinite, self._layers, self.found_inf]

    @torch.no_grad()
    def update(self, loss: Tensor) -> Tensor:
        """Set `found_inf` for this step and return the norm of the whole gradient (a scalar on the device)."""
        norms = torch.stack(list(torch._foreach_norm(self.grads()))).float()
        norm: Tensor = torch.linalg.vector_norm(norms)
        overflow = (~torch.isfinite(norm)).float()
        nonfinite = (~torch.isfinite(loss)).float()
        if self._scale is None:
            nonfinite = torch.maximum(nonfinite, overflow)
        else:
            nonfinite = torch.maximum(nonfinite, (self._scale.scale < SMALLEST).float())
            self._scale.update(overflow)
        # When the host reads that a step was not finite, its gradients are long gone: their verdict is kept here.
        layers = self._layers[: len(norms)]
        layers.copy_(torch.where(self._nonfinite != 0, layers, ~torch.isfinite(norms)))
        self._nonfinite.copy_(torch.maximum(self._nonfinite, nonfinite))
        self.found_inf.copy_(torch.maximum(self._nonfinite, overflow))
        return norm

    @torch.no_grad()
    def clip(self, norm: Tensor, most: float) -> None:
        """Shrink the gradient, of that norm, to the norm `most` where it is larger."""
        torch._foreach_mul_(self.grads(), (most / norm.clamp_min(1e-12)).clamp_max(1.0))

    def check(self, step: int, loss: float, grad_norm: float, *, lr: float, last: list[float]) -> None:
        """Raise DivergedError, with what is known, for a step that is not finite, and not merely overflowed."""
        if not self._ends(loss, grad_norm):
            return
        what = "loss" if not math.isfinite(loss) else "gradient"
        layers = f"; not finite in {self._bad_layers()}" if self._bad_layers() else ""
        before = ", ".join(f"{value:.4g}" for value in last) or "none"
        raise DivergedError(
            f"the {what} is not finite at step {step} (learning rate {lr:.3g}; losses before: {before}{layers})",
            "the weights are as before that step: try a lower --lr, a longer --warmup, or --precision fp32",
        )

    def _bad_layers(self) -> str:
        """Return the names of parameters, the first three, whose gradient was not finite in the step that ended it."""
        names = [name for (name, _), bad in zip(self._named, self._layers.tolist(), strict=True) if bad]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return ", ".join(names[:3]) + more

    def _ends(self, loss: float, grad_norm: float) -> bool:
        if math.isfinite(loss) and math.isfinite(grad_norm):
            return False
        overflowed = math.isfinite(loss) and self._scale is not None
        return not overflowed or (self._scale is not None and float(self._scale.scale) < SMALLEST)
