"""kNN on h (Wu et al. 2018), weighted or not: the same measure as the monitor's during training."""

from __future__ import annotations

from simclr_tui.evaluate.context import Context, Outcome
from simclr_tui.train.observe.knn import EQUAL, knn_votes


def knn(context: Context, seed: int) -> Outcome:
    """Classify the test images by their nearest training images. Deterministic: the seed has no effect."""
    features, settings = context.features, context.settings
    votes = knn_votes(
        features.train,
        features.train_labels,
        features.test,
        classes=len(context.classes),
        k=settings.k,
        temperature=settings.temperature,
    )
    weights = {"weights": "equal"} if settings.temperature == EQUAL else {"temperature": settings.temperature}
    return Outcome(votes, {"k": min(settings.k, len(features.train)), **weights})
