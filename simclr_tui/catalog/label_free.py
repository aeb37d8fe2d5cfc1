"""Rank runs without labels, by what a representation can be seen to have: a high rank, alignment and uniformity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simclr_tui.store.metrics.metric_table import LABEL_FREE, METRICS


def label_free_scores(rows: Sequence[Mapping[str, Any]]) -> list[float | None]:
    """Return each run's mean place among the others, from 0 (the worst in every measure) to 1 (the best in all).

    A row needs each of `LABEL_FREE`; one that lacks any has no score. Equal values share their places. The scores say
    something of these rows alone: they are places, not amounts.
    """
    known = [place for place, row in enumerate(rows) if all(row.get(name) is not None for name in LABEL_FREE)]
    scores: list[float | None] = [None] * len(rows)
    if not known:
        return scores
    places = [_places([float(rows[place][name]) for place in known], name) for name in LABEL_FREE]
    for place, mean in zip(known, (sum(one) / len(LABEL_FREE) for one in zip(*places, strict=True)), strict=True):
        scores[place] = mean
    return scores


def _places(values: Sequence[float], metric: str) -> list[float]:
    """Return for each value the share of the other values that it is better than; an equal one counts a half."""
    sign = 1.0 if METRICS[metric].better == "highest" else -1.0
    others = max(1, len(values) - 1)
    return [
        (sum((sign * value > sign * other) + 0.5 * (value == other) for other in values) - 0.5) / others
        for value in values
    ]
