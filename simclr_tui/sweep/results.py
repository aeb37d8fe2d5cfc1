"""What a sweep has found: its trials as a table, the best of them, and how much each field matters."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from simclr_tui.catalog.row import Row
from simclr_tui.sweep.axes import Values
from simclr_tui.sweep.folder import Sweep

_BINS = 4  # of a field with many values, for its importance
PRUNED = "pruned"
"""The tag of a run that the sweep has stopped early."""


@dataclass(frozen=True)
class TrialResult:
    """One trial: `scores` holds the last kNN of each of its runs that finished, `states` those of all of them."""

    number: int
    values: Values
    runs: tuple[str, ...]
    states: Counter[str]
    scores: tuple[float, ...]
    published: float | None

    @property
    def mean(self) -> float | None:
        return statistics.fmean(self.scores) if self.scores else None

    @property
    def std(self) -> float | None:
        return statistics.stdev(self.scores) if len(self.scores) > 1 else None


def sweep_results(sweep: Sweep, rows: Sequence[Row]) -> list[TrialResult]:
    """The trials that have runs, by number."""
    by_trial: dict[int, list[Row]] = {}
    for row in rows:
        if row["sweep"] == sweep.name:
            by_trial.setdefault(int(row["trial"]), []).append(row)
    return [_result(sweep, number, by_trial[number]) for number in sorted(by_trial)]


def _result(sweep: Sweep, number: int, rows: list[Row]) -> TrialResult:
    scores = [row["knn"] for row in rows if row["state"] == "finished" and row["knn"] is not None]
    return TrialResult(
        number=number,
        values={name: rows[0][name] for name in sweep.varied},
        runs=tuple(row["name"] for row in rows),
        states=Counter(PRUNED if PRUNED in (row["tags"] or "").split(",") else row["state"] for row in rows),
        scores=tuple(scores),
        published=sweep.published[number] if number < len(sweep.published) else None,
    )


def best_trial(results: Sequence[TrialResult]) -> TrialResult | None:
    """The one with the highest mean kNN."""
    scored = [result for result in results if result.mean is not None]
    return max(scored, key=lambda result: result.mean or 0.0, default=None)


def importances(sweep: Sweep, results: Sequence[TrialResult]) -> dict[str, float | None]:
    """For each field the share (0–1) of the variance of kNN over trials that it explains alone (η²); None where
    fewer than three trials or one value say nothing. Trials that share a value must differ for it to mean much."""
    scored = [(result.values, result.mean) for result in results if result.mean is not None]
    return {name: _explained([(values[name], mean) for values, mean in scored]) for name in sweep.varied}


def _explained(pairs: list[tuple[object, float]]) -> float | None:
    groups: dict[object, list[float]] = {}
    for key, score in zip(_grouped([value for value, _ in pairs]), [score for _, score in pairs], strict=True):
        groups.setdefault(key, []).append(score)
    scores = [score for _, score in pairs]
    if len(scores) < 3 or len(groups) < 2 or len(groups) == len(scores):
        return None
    mean = statistics.fmean(scores)
    total = math.fsum((score - mean) ** 2 for score in scores)
    between = math.fsum(len(group) * (statistics.fmean(group) - mean) ** 2 for group in groups.values())
    return between / total if total > 0 else None


def _grouped(values: list[object]) -> list[object]:
    """Values as they are, or numbers that hardly repeat in bins of equal count."""
    distinct = sorted({value for value in values if isinstance(value, int | float)})
    if len(distinct) <= _BINS or len(distinct) * 2 <= len(values):
        return values
    place = {value: index * _BINS // len(distinct) for index, value in enumerate(distinct)}
    return [place[value] if isinstance(value, int | float) else value for value in values]
