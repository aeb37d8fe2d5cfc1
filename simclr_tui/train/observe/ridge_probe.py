"""A linear classifier on h, fitted at an evaluation: how well planes separate the classes while a run trains."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_PENALTY = 0.01  # of the weights' squares, for each image
_CHUNK = 4096  # images that are in float64 at once


@torch.no_grad()
def ridge_accuracy(bank: Tensor, bank_labels: Tensor, queries: Tensor, *, labels: Tensor, classes: int) -> float:
    """Return the accuracy (0–1) on queries (m, d) of a classifier fitted to bank (n, d) by ridge regression.

    It is fitted to the classes' indicators over features of mean 0 and variance 1, in float64 and in one step. So it
    has no learning rate, draws nothing and keeps nothing: the encoder trains as it would without it, whatever trains
    it, and a resumed run measures the same.
    """
    mean, scale = bank.mean(dim=0), bank.std(dim=0).clamp_min(1e-6)
    shares = torch.bincount(bank_labels, minlength=classes).double() / len(bank)

    def normal(features: Tensor) -> Tensor:
        return ((features - mean) / scale).double()

    gram = _PENALTY * len(bank) * torch.eye(bank.shape[1], dtype=torch.float64, device=bank.device)
    along = torch.zeros(bank.shape[1], classes, dtype=torch.float64, device=bank.device)
    for part, known in zip(bank.split(_CHUNK), bank_labels.split(_CHUNK), strict=True):
        features = normal(part)
        gram += features.T @ features
        along += features.T @ (F.one_hot(known, classes).double() - shares)
    weights = torch.cholesky_solve(along, torch.linalg.cholesky(gram))
    right = [
        ((normal(part) @ weights + shares).argmax(dim=1) == asked).sum()
        for part, asked in zip(queries.split(_CHUNK), labels.split(_CHUNK), strict=True)
    ]
    return int(torch.stack(right).sum()) / len(labels)
