"""Linear classifiers on h, many at once: one for each pair of learning rate and weight decay of a search."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

MOMENTUM = 0.9
_CHUNK = 4096

Candidate = tuple[float, float]
"""Base learning rate (times batch / 256) and weight decay."""


def candidates(rates: Sequence[float], decays: Sequence[float]) -> list[Candidate]:
    """Return every pair of a learning rate and a weight decay."""
    return list(itertools.product(rates, decays))


class Probes:
    """Train softmax regressions on the same batches by SGD with Nesterov momentum 0.9, from zero.

    Weight decay applies to the weights only. weight: (S, C, dim); bias: (S, C); S candidates, C classes.
    """

    def __init__(self, swept: Sequence[Candidate], *, classes: int, dim: int, device: torch.device) -> None:
        self._rates = torch.tensor([rate for rate, _ in swept], device=device)
        self._decays = torch.tensor([decay for _, decay in swept], device=device)
        self.weight = torch.zeros(len(swept), classes, dim, device=device)
        self.bias = torch.zeros(len(swept), classes, device=device)
        self._weight_velocity, self._bias_velocity = torch.zeros_like(self.weight), torch.zeros_like(self.bias)

    def logits(self, h: Tensor) -> Tensor:
        """Return logits (N, S, C) of h (N, dim)."""
        count, classes, dim = self.weight.shape
        return (h @ self.weight.view(count * classes, dim).T).view(len(h), count, classes) + self.bias

    def step(self, h: Tensor, labels: Tensor, scale: float) -> None:
        """Update every candidate from h (B, dim) and labels (B,), at its learning rate times `scale`."""
        error = torch.softmax(self.logits(h), dim=2)
        error[torch.arange(len(h), device=h.device), :, labels] -= 1.0
        error /= len(h)
        gradient = (error.flatten(1).T @ h).view_as(self.weight)
        gradient += self._decays[:, None, None] * self.weight
        rates = self._rates * scale
        _nesterov(self.weight, self._weight_velocity, gradient, rates=rates[:, None, None])
        _nesterov(self.bias, self._bias_velocity, error.sum(dim=0), rates=rates[:, None])

    def accuracies(self, h: Tensor, labels: Tensor) -> Tensor:
        """Return each candidate's accuracy (S,) on h (N, dim)."""
        hits = torch.zeros(len(self.weight), dtype=torch.int64, device=h.device)
        for part, known in _chunks(h, labels):
            hits += (self.logits(part).argmax(dim=2) == known[:, None]).sum(dim=0)
        return hits.double() / len(h)


def _nesterov(weight: Tensor, velocity: Tensor, gradient: Tensor, *, rates: Tensor) -> None:
    velocity.mul_(MOMENTUM).add_(gradient)
    weight -= rates * (gradient + MOMENTUM * velocity)


def _chunks(h: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(torch.split(h, _CHUNK), torch.split(labels, _CHUNK), strict=True)
