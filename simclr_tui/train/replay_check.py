"""Compare a replayed step with the usual one: a graph that missed an update or kept an old value would train on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from simclr_tui.train.optim.loss_scale import LossScale
from simclr_tui.train.optim.nonfinite_guard import NonfiniteGuard

# Kernels that add in another order explain no more. A learning rate or a batch of another step does not pass.
_FIGURES = 0.01  # difference of a figure, relative or absolute
_UPDATE = 0.1  # distance between the new weights, as a share of the update


class Trained(Protocol):
    """Hold what a step changes, beside its `NonfiniteGuard`."""

    @property
    def encoder(self) -> nn.Module: ...
    @property
    def head(self) -> nn.Module: ...
    @property
    def optimizer(self) -> Optimizer: ...
    @property
    def scale(self) -> LossScale | None: ...


def replay_differs(
    run: Trained, guard: NonfiniteGuard, *, replay: Callable[[], Tensor], usual: Callable[[], Tensor]
) -> tuple[Tensor, str]:
    """Replay, undo, and take the same step as usual, whose result stays.

    Returns the usual step's figures and how the replayed one differs, in a sentence; empty where rounding explains it.
    """
    state, weights = state_tensors(run, guard), _weights(run)
    before, start = _copies(state), _copies(weights)
    replayed = replay().clone()
    ahead = _copies(weights)
    with torch.no_grad():
        for tensor, old in zip(state, before, strict=True):
            tensor.copy_(old)
    figures = usual()
    if not torch.isclose(replayed, figures, rtol=_FIGURES, atol=_FIGURES, equal_nan=True).all():
        return figures, f"the replayed step's loss is {float(replayed[0]):.4g}, the usual one's {float(figures[0]):.4g}"
    update, apart = _distance(weights, start), _distance(weights, ahead)
    if apart <= _UPDATE * update:
        return figures, ""
    return figures, f"the replayed step ends {apart:.2g} from the usual one, which moved the weights by {update:.2g}"


def state_tensors(run: Trained, guard: NonfiniteGuard) -> list[Tensor]:
    """Return every tensor that a step changes and the next one reads."""
    buffers = [buffer for module in (run.encoder, run.head) for buffer in module.buffers()]
    optimizer = [value for state in run.optimizer.state.values() for value in state.values()]
    scale = [] if run.scale is None else list(run.scale.state_dict().values())
    return [*_weights(run), *buffers, *(v for v in optimizer if isinstance(v, Tensor)), *guard.tensors(), *scale]


def _weights(run: Trained) -> list[Tensor]:
    return [weight.detach() for module in (run.encoder, run.head) for weight in module.parameters()]


def _copies(tensors: list[Tensor]) -> list[Tensor]:
    return [tensor.clone() for tensor in tensors]


def _distance(some: list[Tensor], others: list[Tensor]) -> float:
    norms = torch._foreach_norm(torch._foreach_sub(some, others))
    return float(torch.linalg.vector_norm(torch.stack(list(norms))))
