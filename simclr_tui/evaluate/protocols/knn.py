"""Weighted nearest neighbours of h (Wu et al. 2018): the same measure as the monitor's while a run trains."""

from __future__ import annotations

from simclr_tui.evaluate.context import Outcome, Task
from simclr_tui.train.observe.knn import knn_votes


def knn(task: Task, seed: int) -> Outcome:
    """Nothing is trained and nothing drawn: every seed would find the same."""
    features, settings = task.features, task.settings
    votes = knn_votes(
        features.train, features.train_labels, features.test, len(task.classes), settings.k, settings.temperature
    )
    return Outcome(votes, {"k": min(settings.k, len(features.train)), "temperature": settings.temperature})
