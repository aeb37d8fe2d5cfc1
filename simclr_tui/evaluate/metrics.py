"""Classification metrics from class scores: top-1, top-5 and the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Metrics:
    """Accuracies in [0, 1] and the confusion matrix (C, C) of counts, rows the true classes.

    `top5` is None with five classes or fewer.
    """

    top1: float
    top5: float | None
    confusion: Tensor


@torch.no_grad()
def compute_metrics(scores: Tensor, labels: Tensor) -> Metrics:
    """Return the metrics of scores (N, C), the highest the prediction, against labels (N,), int64."""
    count, classes = scores.shape
    predicted = scores.argmax(dim=1)
    cells = torch.bincount(labels * classes + predicted, minlength=classes**2)
    top5 = None
    if classes > 5:
        top5 = int((scores.topk(5, dim=1).indices == labels[:, None]).sum()) / count
    hits = int((predicted == labels).sum())
    return Metrics(hits / count, top5, cells.reshape(classes, classes).cpu())
