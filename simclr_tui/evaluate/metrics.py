"""Classification metrics from class scores: top-1, top-5, mean average precision and the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Metrics:
    """Hold accuracies and mean average precision in [0, 1], and the confusion matrix (C, C), rows the true classes.

    `top5` is None with five classes or fewer.
    """

    top1: float
    top5: float | None
    mean_ap: float
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
    return Metrics(hits / count, top5, mean_average_precision(scores, labels), cells.reshape(classes, classes).cpu())


@torch.no_grad()
def mean_average_precision(scores: Tensor, labels: Tensor) -> float:
    """Return the mean over classes of the average precision of scores (N, C), each class against all others.

    A class's average precision is Σ (Rₙ − Rₙ₋₁)·Pₙ over its distinct scores, from the highest: precision Pₙ and recall
    Rₙ of all images with at least that score, without interpolation. Classes without an image in labels do not count.
    """
    found = [_average_precision(scores[:, label], labels == label) for label in labels.unique().tolist()]
    return sum(found) / len(found)


def _average_precision(scores: Tensor, positive: Tensor) -> float:
    order = scores.argsort(descending=True)
    ordered, hits = scores[order], positive[order].cumsum(0).double()
    last = torch.ones_like(ordered, dtype=torch.bool)  # of the images that share a score
    last[:-1] = ordered[1:] != ordered[:-1]
    taken = torch.arange(1, len(ordered) + 1, device=scores.device)[last]
    precision, recall = hits[last] / taken, hits[last] / hits[-1]
    return float((torch.diff(recall, prepend=recall.new_zeros(1)) * precision).sum())
