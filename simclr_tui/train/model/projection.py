"""Encoder and projection head as one function from views to z, compiled where the recipe asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from simclr_tui.train.device import Compute
from simclr_tui.train.model.norm_relu import FusedNormReLU
from simclr_tui.train.model.resnet import Fusable

# Without it inductor, lowering a convolution's backward pass, fixes the side of the views (torch 2.13).
_ANY_SIDE: dict[str, Any] = {"force_layout_optimization": True}

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

    Compiled by inductor, or another `backend` of torch.compile, for views of any number and side, so that growing views
    and chunks of a batch compile nothing anew: of a native ResNet what follows its convolutions, for which a GPU has
    kernels as good, and of any other encoder all. Only training uses it, so that evaluations, in eval mode, do not
    compile either.
    """
    device, autocast = compute.device.type, compute.autocast

    def project(views: Tensor) -> Tensor:
        with torch.autocast(device, autocast, enabled=autocast is not None):
            z: Tensor = head(encoder(views))
        return z.float()  # here, so that the gradient of z is summed over processes in float32

    if not compiled:
        return project
    parts = [module for module in encoder.modules() if isinstance(module, Fusable)]
    if not parts:
        options = _ANY_SIDE if backend == "inductor" else None
        return or_plain(torch.compile(project, backend=backend, dynamic=True, options=options), project)
    fused = FusedNormReLU(
        lambda plain: or_plain(torch.compile(plain, backend=backend, dynamic=True, fullgraph=True), plain)
    )
    for part in parts:
        part.norm_relu = fused
    return project
