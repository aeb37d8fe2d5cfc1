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
    project: Project,
    chunks: list[int],
    modules: list[nn.Module],
    *,
    loss: Callable[[Tensor, Tensor], Tensor],
    compiled: bool = False,
) -> None:
    """Leave the gradient of loss(z_a, z_b), of z (N, d) each, in the modules' parameters.

    `chunks` are the numbers of images that make up the batch. For a `compiled` projection both passes run alike, so
    that it is compiled once: with a graph, which the first pass drops, and with one momentum. The gradient is the same;
    running statistics may differ by rounding.
    """
    norms = [norm for module in modules for norm in module.modules() if isinstance(norm, _BatchNorm)]
    weighted = _averaged_statistics if compiled else _weighted_momentum
    shares = [count / sum(chunks) for count in chunks]
    with torch.set_grad_enabled(compiled), weighted(norms, [0.0] * len(chunks)) as project_weighted:
        parts = [project_weighted(chunk, project).detach() for chunk in range(len(chunks))]
    z_a, z_b = (torch.cat(halves).requires_grad_() for halves in zip(*(part.chunk(2) for part in parts), strict=True))
    loss(z_a, z_b).backward()
    z_grads = zip(*(_grad(z).split(chunks) for z in (z_a, z_b)), strict=True)
    with weighted(norms, shares) as project_weighted:
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


@contextmanager
def _averaged_statistics(norms: list[_BatchNorm], shares: list[float]) -> Iterator[Callable[[int, Project], Tensor]]:
    """Do as `_weighted_momentum` with a momentum of 1 for all chunks: each value of it would compile the model anew."""
    momenta = [norm.momentum for norm in norms]
    tracked = [norm for norm in norms if norm.momentum is not None and norm.running_mean is not None]
    counts = [norm.num_batches_tracked.clone() for norm in tracked if norm.num_batches_tracked is not None]
    statistics = [value for norm in tracked for value in (norm.running_mean, norm.running_var) if value is not None]
    before = [value.clone() for value in statistics]
    means = [torch.zeros_like(value) for value in statistics]
    moves = [(norm.momentum or 0.0) * bool(sum(shares)) for norm in tracked for _ in range(2)]

    def project(chunk: int, inner: Project) -> Tensor:
        z = inner(chunk)
        torch._foreach_add_(means, statistics, alpha=shares[chunk])
        return z

    for norm in tracked:
        norm.momentum = 1.0
    try:
        yield project
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for value, old, mean, move in zip(statistics, before, means, moves, strict=True):
            value.copy_(old.lerp(mean, move))
        for norm, count in zip(tracked, counts, strict=True):
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.copy_(count + bool(sum(shares)))


def even_chunks(images: int, most: int) -> list[int]:
    """Return the sizes of as few chunks as possible of at most `most` images, as even as possible.

    Even, because batch norm in training mode needs more than a lone image in each.
    """
    count = -(-images // most)
    return [images // count + (chunk < images % count) for chunk in range(count)]
