"""Encoder and projection head as one function from views to z, compiled where the recipe asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from simclr_tui.train.device import Compute
from simclr_tui.train.model.norms import FusedNorms
from simclr_tui.train.model.resnet import WithNorms

Backend = str | Callable[..., Any]
Projection = Callable[[Tensor], Tensor]
OrPlain = Callable[[Callable[..., Tensor], Callable[..., Tensor]], Callable[..., Tensor]]
"""Returns what to call for a compiled function and the plain one that it was made of."""


def projection(
    encoder: nn.Module,
    head: nn.Module,
    compute: Compute,
    *,
    compiled: bool = False,
    backend: Backend = "inductor",
    or_plain: OrPlain = lambda compiled, plain: compiled,
) -> Projection:
    """Return the function from views (n, C, S, S) to z (n, dim), float32.

    Compiled by inductor, or another `backend` of torch.compile: of a native ResNet what follows its convolutions, for
    views of any number and side (see `norms`); of any other encoder all of it, once for each number and side. Only
    training uses it: evaluations, in eval mode, compile nothing.
    """
    device, autocast = compute.device.type, compute.autocast

    def project(views: Tensor) -> Tensor:
        with torch.autocast(device, autocast, enabled=autocast is not None):
            z: Tensor = head(encoder(views))
        return z.float()  # here, so that the gradient of z is summed over processes in float32

    if not compiled:
        return project
    parts = [module for module in encoder.modules() if isinstance(module, WithNorms)]
    if not parts:
        return or_plain(torch.compile(project, backend=backend, dynamic=False), project)
    fused = FusedNorms(
        lambda plain: or_plain(torch.compile(plain, backend=backend, dynamic=True, fullgraph=True), plain)
    )
    for part in parts:
        part.norms = fused
    return project
