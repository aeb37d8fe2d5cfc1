"""Results of a sweep: its trials as a table, the best of them, and how much each field matters."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from simclr_tui.catalog.row import Row
from simclr_tui.catalog.spread import Spread, spread_of
from simclr_tui.catalog.verdict import Sample, Verdict, judge
from simclr_tui.errors import ExitCode
from simclr_tui.store.comparable import DIGESTS, measured_by, measured_differently, other_images, row_left_out
from simclr_tui.store.metrics.metric_table import METRICS
from simclr_tui.store.state import OPEN
from simclr_tui.sweep.axes import Values
from simclr_tui.sweep.folder import Sweep

_BINS = 4  # for a field with many values, to compute its importance
PRUNED = "pruned"
"""Tag of a run that the sweep has pruned."""


WORST = 0.0
"""Score reported to a sampler for a trial that can only fail: the lowest possible accuracy."""
_METRIC = "knn"  # the metric by which trials are judged
_MEASURED = (*measured_by(METRICS[_METRIC].within), "knn_images", *DIGESTS.values())
_OWN_FAULTS = (ExitCode.DIVERGED, ExitCode.OUT_OF_MEMORY)


@dataclass(frozen=True)
class TrialResult:
    """Hold the results of one trial.

    `scores` holds the last kNN of each run that finished in good health, in the order of `seeds`; `states`, each run's
    state, or `collapsed` or `diverged`. `images` is the number of test images behind kNN (0: unknown). `measured` says
    for each score how it was measured, and on what.
    """

    number: int
    values: Values
    runs: tuple[str, ...]
    states: Counter[str]
    scores: tuple[float, ...]
    published: float | None
    seeds: tuple[int, ...] = ()
    images: int = 0
    measured: tuple[Mapping[str, Any], ...] = ()

    @cached_property
    def spread(self) -> Spread | None:
        """Return mean and deviation of the scores; None where the seeds were measured differently."""
        return None if _differently([self]) else spread_of(self.scores)

    @property
    def mean(self) -> float | None:
        return self.spread.mean if self.spread else None

    @property
    def std(self) -> float | None:
        return self.spread.std if self.spread else None


def sweep_results(sweep: Sweep, rows: Sequence[Row]) -> list[TrialResult]:
    """Return the trials that have runs, by number."""
    by_trial: dict[int, list[Row]] = {}
    for row in rows:
        if row["sweep"] == sweep.name:
            by_trial.setdefault(int(row["trial"]), []).append(row)
    varied = sweep.varied
    return [_result(sweep, number, by_trial[number], varied=varied) for number in sorted(by_trial)]


def _result(sweep: Sweep, number: int, rows: list[Row], *, varied: Sequence[str]) -> TrialResult:
    sound = [row for row in rows if not row_left_out(row) and row[_METRIC] is not None]
    return TrialResult(
        number=number,
        values={name: rows[0][name] for name in varied},
        runs=tuple(row["name"] for row in rows),
        states=Counter(_state_word(row) for row in rows),
        scores=tuple(row[_METRIC] for row in sound),
        published=sweep.published[number] if number < len(sweep.published) else None,
        seeds=tuple(row["seed"] for row in sound),
        images=min((row.get("knn_images") or 0 for row in sound), default=0),
        measured=tuple({name: row.get(name) for name in _MEASURED} for row in sound),
    )


def _state_word(row: Row) -> str:
    """Return the state of a run, or, which matters more, that it was pruned, collapsed or diverged."""
    if PRUNED in (row["tags"] or "").split(","):
        return PRUNED
    return str(row["state"]) if row["state"] in OPEN else row_left_out(row) or str(row["state"])


def other_images_than(rows: Sequence[Row], before: Sequence[Row]) -> bool:
    """Return whether kNN is known to be of other held-out images among `rows`, or in them than in those `before`.

    Rows that have no accuracy yet say by which images it will be.
    """
    scored = [row for row in before if row["state"] == "finished" and row[_METRIC] is not None]
    return bool(other_images(_METRIC, [*scored, *rows]))


def trial_score(rows: Sequence[Row], before: Sequence[Row] = ()) -> float | None:
    """Return the score that a sampler learns for a trial whose runs have ended: their mean kNN.

    It is the lowest possible score where a run diverged or ran out of memory, which would happen again, and None where
    the cause came from outside (stopped, lost), or where held-out images have changed among its runs or since `before`,
    the runs of the trials that the sampler has learned from.
    """
    if any(row["exit_code"] in _OWN_FAULTS or "diverged" in str(row["flags"] or "").split(",") for row in rows):
        return WORST
    if other_images_than(rows, before):
        return None
    scores = [row[_METRIC] for row in rows if row["state"] == "finished" and row[_METRIC] is not None]
    return statistics.fmean(scores) if scores and len(scores) == len(rows) else None


def best_trial(results: Sequence[TrialResult]) -> TrialResult | None:
    """Return the trial with the highest mean kNN; None where trials were measured differently.

    `sweep_verdict` says whether it can be told apart from the next.
    """
    if _differently(results):
        return None
    scored = [result for result in results if result.mean is not None]
    return max(scored, key=lambda result: result.mean or 0.0, default=None)


def sweep_verdict(results: Sequence[TrialResult]) -> Verdict:
    """Judge the trials; the verdict names the winner by its index in `results`."""
    samples = [
        Sample(f"trial {one.number}", one.scores, one.seeds, one.images) if one.scores else None for one in results
    ]
    about = METRICS[_METRIC]
    return judge(about.title, samples, about.better, share=True, differently=_differently(results))


def _differently(results: Sequence[TrialResult]) -> tuple[str, ...]:
    return measured_differently(_METRIC, [measured for result in results for measured in result.measured])


def importances(sweep: Sweep, results: Sequence[TrialResult]) -> dict[str, float | None]:
    """Return for each field the fraction (0–1) of the variance of kNN over trials that it alone explains (η²).

    It is None with fewer than three trials or a single value. It means little unless several trials share a value.
    """
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
    """Return the values unchanged, or, for numbers that hardly repeat, their bins of equal count."""
    distinct = sorted({value for value in values if isinstance(value, int | float)})
    if len(distinct) <= _BINS or len(distinct) * 2 <= len(values):
        return values
    place = {value: index * _BINS // len(distinct) for index, value in enumerate(distinct)}
    return [place[value] if isinstance(value, int | float) else value for value in values]
