"""Encoder and projection head as one function from views to z, compiled where the recipe asks for it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from simclr_tui.train.device import Compute

Projection = Callable[[Tensor], Tensor]


def projection(
    encoder: nn.Module, head: nn.Module, compute: Compute, *, compiled: bool = False, passes: int = 1, backend: str = ""
) -> Projection:
    """Return the function from views (n, 3, S, S) to z (n, dim), float32.

    Compiled by inductor, or another `backend` of torch.compile. On a GPU it is replayed as CUDA graphs where a step is
    one pass: the next pass overwrites a graph's output, and `micro_batch` keeps several. Only training uses it, so that
    evaluations, with other shapes and in eval mode, compile nothing.
    """
    device, autocast = compute.device.type, compute.autocast

    def project(views: Tensor) -> Tensor:
        with torch.autocast(device, autocast, enabled=autocast is not None):
            z: Tensor = head(encoder(views))
        return z.float()  # here, so that the gradient of z is summed over processes in float32

    if not compiled:
        return project
    graphs = device == "cuda" and passes == 1 and not backend
    # Shapes are few (a side of view each) and known: a kernel for each, none for any.
    return torch.compile(
        project, backend=backend or "inductor", mode="reduce-overhead" if graphs else None, dynamic=False
    )
