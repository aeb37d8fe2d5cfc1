"""Nothing non-finite reaches the weights (F17): the step that would carry it there becomes a no-op on the device."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from simclr_tui.errors import DivergedError


class Guard:
    """Watches loss and gradient. Once one is not finite, that step and every later one leave weights and optimiser
    state alone, decided on the device without waiting for it; the host learns of it with the telemetry."""

    def __init__(self, modules: Iterable[tuple[str, nn.Module]], device: torch.device) -> None:
        self._named = [
            (f"{prefix}.{name}", parameter)
            for prefix, module in modules
            for name, parameter in module.named_parameters()
            if parameter.requires_grad
        ]
        self.found_inf = torch.zeros((), device=device)

    @torch.no_grad()
    def look(self, loss: Tensor) -> Tensor:
        """Latch `found_inf` and return the norm of the whole gradient (a scalar on the device)."""
        grads = [parameter.grad for _, parameter in self._named if parameter.grad is not None]
        norm: Tensor = torch.linalg.vector_norm(torch.stack(list(torch._foreach_norm(grads))).float())
        broken = ~(torch.isfinite(loss) & torch.isfinite(norm))
        self.found_inf.copy_(torch.maximum(self.found_inf, broken.float()))
        return norm

    def check(self, step: int, loss: float, grad_norm: float, lr: float, last: list[float]) -> None:
        """Raise DivergedError, with what is known, for a step whose figures are not finite."""
        if math.isfinite(loss) and math.isfinite(grad_norm):
            return
        what = "loss" if not math.isfinite(loss) else "gradient"
        worst = [name for name, p in self._named if p.grad is not None and not bool(torch.isfinite(p.grad).all())]
        layers = f"; not finite in {', '.join(worst[:3])}" if worst else ""
        before = ", ".join(f"{value:.4g}" for value in last) or "none"
        raise DivergedError(
            f"the {what} is not finite at step {step} (learning rate {lr:.3g}; losses before: {before}{layers})",
            "the weights are as before that step: try a lower --lr, a longer --warmup, or --precision fp32",
        )
