"""Large batches on small memory: cached gradients (Gao et al. 2021, "Scaling deep contrastive learning batch size").

z of the whole batch is computed first, chunk by chunk and without a graph; the loss sees all of it and gives each
z its gradient; a second pass, with a graph for one chunk at a time, carries that to the weights. The gradient is the
whole batch's. Batch norm is the exception: in both passes it sees a chunk, and its running statistics move once a
step, towards the mean of the chunks'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

Project = Callable[[int], Tensor]
"""z (2n, d) of the n images of one chunk, first views first; the same at every call."""


def cached_gradient(
    project: Project, chunks: list[int], modules: list[nn.Module], loss: Callable[[Tensor, Tensor], Tensor]
) -> None:
    """Leave in the modules' parameters the gradient of loss(z_a, z_b), where `chunks` are the numbers of images that
    make up the batch and `loss` returns what is to be differentiated, of z (N, d) each."""
    norms = [norm for module in modules for norm in module.modules() if isinstance(norm, _BatchNorm)]
    shares = [count / sum(chunks) for count in chunks]
    with torch.no_grad(), _weighted_momentum(norms, [0.0] * len(chunks)) as project_weighted:
        parts = [project_weighted(chunk, project) for chunk in range(len(chunks))]
    z_a, z_b = (torch.cat(halves).requires_grad_() for halves in zip(*(part.chunk(2) for part in parts), strict=True))
    loss(z_a, z_b).backward()
    z_grads = zip(*(_grad(z).split(chunks) for z in (z_a, z_b)), strict=True)
    with _weighted_momentum(norms, shares) as project_weighted:
        for chunk, grads in enumerate(z_grads):
            project_weighted(chunk, project).backward(torch.cat(grads))


def _grad(z: Tensor) -> Tensor:
    assert z.grad is not None
    return z.grad


@contextmanager
def _weighted_momentum(norms: list[_BatchNorm], shares: list[float]) -> Iterator[Callable[[int, Project], Tensor]]:
    """Project chunk by chunk such that running statistics end at (1 − m)·old + m·Σ shareᵢ·chunkᵢ, m the momentum.

    The last chunk moves them by m·share; one before it by more, for the moves after it shrink what it left.
    """
    momenta = [norm.momentum for norm in norms]
    counted = [None if norm.num_batches_tracked is None else norm.num_batches_tracked.clone() for norm in norms]

    def project(chunk: int, inner: Project) -> Tensor:
        for norm, momentum in zip(norms, momenta, strict=True):
            if momentum is not None:
                norm.momentum = momentum * shares[chunk] / (1.0 - momentum * sum(shares[chunk + 1 :]))
        return inner(chunk)

    try:
        yield project
    finally:
        for norm, momentum, count in zip(norms, momenta, counted, strict=True):
            norm.momentum = momentum
            if norm.num_batches_tracked is not None and count is not None:
                norm.num_batches_tracked.copy_(count + bool(sum(shares)))


def even_chunks(images: int, most: int) -> list[int]:
    """Return the sizes of as few chunks as possible of at most `most` images, as even as possible.

    Even, because batch norm in training mode needs more than a lone image in each.
    """
    count = -(-images // most)
    return [images // count + (chunk < images % count) for chunk in range(count)]
