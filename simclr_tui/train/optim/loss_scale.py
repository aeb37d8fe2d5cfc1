"""Loss scaling for fp16, whose smallest gradients would vanish (Micikevicius et al. 2018).

Decided on the device, so that no step waits: torch's GradScaler reads the device at every step.
"""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = 2.0**-10
"""Below this the gradient itself is broken, not its scale."""
_START = 2.0**16
_GROWTH_INTERVAL = 2000  # steps without an overflow before the scale is tried at twice its size


class LossScale:
    """Multiply the loss, divide its gradient, and halve the factor where the gradient overflowed."""

    def __init__(self, device: torch.device) -> None:
        self._scale = torch.tensor(_START, device=device)
        self._good_steps = torch.zeros((), device=device)

    @property
    def scale(self) -> Tensor:
        """Return the current factor, float32 without dimensions, on the device."""
        return self._scale

    @torch.no_grad()
    def unscale(self, grads: list[Tensor]) -> None:
        """Divide the gradients by the factor, in place."""
        torch._foreach_mul_(grads, 1.0 / self._scale)

    @torch.no_grad()
    def update(self, overflowed: Tensor) -> None:
        """Choose the next step's factor; `overflowed` is 1 where this step's gradient was not finite."""
        over = overflowed != 0
        good_steps = torch.where(over, 0.0, self._good_steps + 1.0)
        grown = good_steps >= _GROWTH_INTERVAL
        self._scale.mul_(torch.where(over, 0.5, torch.where(grown, 2.0, 1.0)))
        self._good_steps.copy_(torch.where(grown, 0.0, good_steps))

    def state_dict(self) -> dict[str, Tensor]:
        return {"scale": self._scale, "calm": self._good_steps}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self._scale.copy_(state["scale"])
        self._good_steps.copy_(state["calm"])
