"""From scores of the classes to what is reported: top-1, top-5 and the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Score:
    """`top5` is None where there are five classes or fewer. confusion: (C, C) counts, row the true class."""

    top1: float
    top5: float | None
    confusion: Tensor


@torch.no_grad()
def score(scores: Tensor, labels: Tensor) -> Score:
    """Judge scores (N, C), the highest the prediction, by labels (N,), int64."""
    count, classes = scores.shape
    predicted = scores.argmax(dim=1)
    cells = torch.bincount(labels * classes + predicted, minlength=classes**2)
    top5 = None
    if classes > 5:
        top5 = int((scores.topk(5, dim=1).indices == labels[:, None]).sum()) / count
    hits = int((predicted == labels).sum())
    return Score(hits / count, top5, cells.reshape(classes, classes).cpu())
