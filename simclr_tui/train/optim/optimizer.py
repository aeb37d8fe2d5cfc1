"""Build the optimisers: LARS as published with SimCLR, and torch's fused SGD, Adam and AdamW.

All four read `optimizer.found_inf`, a float tensor without dimensions on the weights' device that the loop sets
before a step: where it is 1 the step leaves weights and state as they were, decided on the device without
waiting for it. All take a new learning rate before any step through `param_groups[…]["lr"]`: a float, or a float32
tensor without dimensions on that device, which a captured step reads anew at every replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.optim.eager import eager

TRUST_COEFFICIENT = 0.001


class LARS(Optimizer):
    """Update by layer-wise adaptive rate scaling (LARS; You et al. 2017), the variant in the code published with
    SimCLR.

    g ← ∇w + weight_decay·w;  trust ← 0.001·‖w‖/‖g‖, or 1 where either norm is 0;
    v ← momentum·v + lr·trust·g;  w ← w − v.
    The learning rate stands inside the buffer; there is no Nesterov step. A group with `adapt` False (biases
    and norms, see `parameter_groups`) has trust 1.
    """

    found_inf: Tensor | None = None

    def __init__(
        self, params: Iterable[dict[str, Any]], lr: float, momentum: float = 0.9, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "adapt": True})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                weights = [w for w in group["params"] if w.grad is not None]
                if weights:
                    self._step_group(group, weights)
        return loss

    def _step_group(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        grads = [w.grad for w in weights if w.grad is not None]
        velocities = [self._velocity(w) for w in weights]
        update = list(torch._foreach_add(grads, weights, alpha=group["weight_decay"]))
        if group["adapt"]:
            torch._foreach_mul_(update, _trust_ratios(weights, update))
        if weights[0].device.type != "cpu" or isinstance(group["lr"], Tensor):
            _move_fused(weights, velocities, update, group, self.found_inf)
        else:
            _move_on_cpu(weights, velocities, update, group, self.found_inf)

    def _velocity(self, weight: Tensor) -> Tensor:
        state = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        velocity: Tensor = state["momentum_buffer"]
        return velocity


def _trust_ratios(weights: list[Tensor], grads: list[Tensor]) -> list[Tensor]:
    weight_norms = torch.stack(list(torch._foreach_norm(weights)))
    grad_norms = torch.stack(list(torch._foreach_norm(grads)))
    either_zero = (weight_norms == 0) | (grad_norms == 0)
    return list(torch.where(either_zero, 1.0, TRUST_COEFFICIENT * weight_norms / grad_norms).unbind())


def _move_fused(
    weights: list[Tensor],
    velocities: list[Tensor],
    update: list[Tensor],
    group: dict[str, Any],
    found_inf: Tensor | None,
) -> None:
    """Move velocities and weights in one kernel, which skips by found_inf itself: few launches for a GPU."""
    torch._foreach_mul_(update, group["lr"])
    # At a rate of 1 this is v ← momentum·v + update; w ← w − v.
    torch._fused_sgd_(
        weights, update, velocities, weight_decay=0.0, momentum=group["momentum"], lr=1.0, dampening=0.0,
        nesterov=False, maximize=False, is_first_step=False, found_inf=found_inf,
    )  # fmt: skip


def _move_on_cpu(
    weights: list[Tensor],
    velocities: list[Tensor],
    update: list[Tensor],
    group: dict[str, Any],
    found_inf: Tensor | None,
) -> None:
    """Do as `_move_fused` in the order of version 0.1, whose runs resume to the bit on a CPU."""
    momentum: float | Tensor = group["momentum"]
    if found_inf is not None:  # v ← 1·v + lr·0 keeps v
        found = found_inf != 0
        for tensor in update:
            tensor.masked_fill_(found, 0.0)  # and not a product: 0 · NaN is NaN
        momentum = torch.where(found, update[0].new_ones(()), momentum)
    torch._foreach_mul_(velocities, momentum)
    torch._foreach_add_(velocities, update, alpha=group["lr"])
    kept = 1.0 if found_inf is None else 1.0 - found_inf
    torch._foreach_addcmul_(weights, velocities, [torch.as_tensor(kept)] * len(weights), value=-1)


def parameter_groups(modules: Iterable[nn.Module], weight_decay: float, rest: float = 0.0) -> list[dict[str, Any]]:
    """Return two groups: weights of two or more dimensions, and the rest (batch norm, biases), which LARS does not
    adapt and which decays by `rest`."""
    parameters = _trainable(modules)
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay, "adapt": True},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": rest, "adapt": False},
    ]


def build_optimizer(recipe: Recipe, modules: Iterable[nn.Module]) -> Optimizer:
    """Return the recipe's optimiser at its peak learning rate.

    Decay falls on every parameter, under LARS on weights alone (see `parameter_groups`), unless `decay_on` says else.
    """
    lr, decay = recipe.peak_lr, recipe.weight_decay
    if recipe.optimizer == "lars":
        rest = decay if recipe.decay_on == "all" else 0.0
        return eager(LARS)(parameter_groups(modules, decay, rest), lr, recipe.momentum)
    parameters: list[dict[str, Any]] = [{"params": _trainable(modules), "weight_decay": decay}]
    if recipe.decay_on == "weights":
        parameters = parameter_groups(modules, decay)
        for group in parameters:
            del group["adapt"]  # which is LARS's
    if recipe.optimizer == "sgd":
        return _sgd(parameters, lr, recipe.momentum, decay)
    kind = Adam if recipe.optimizer == "adam" else AdamW
    return eager(kind)(parameters, lr=lr, weight_decay=decay, fused=True)


def _sgd(groups: list[dict[str, Any]], lr: float, momentum: float, weight_decay: float) -> SGD:
    optimizer = eager(SGD)(groups, lr=lr, momentum=momentum, weight_decay=weight_decay, fused=True)
    if momentum:
        # torch leaves the buffers of a skipped first step uninitialised. From zero, its first step is the same.
        for parameter in (parameter for group in groups for parameter in group["params"]):
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def _trainable(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    return [p for module in modules for p in module.parameters() if p.requires_grad]
