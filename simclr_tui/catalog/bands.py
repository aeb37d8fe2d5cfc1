"""Average a metric over runs that differ only in their seed, step by step: the line and the band that charts draw."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from simclr_tui.catalog.spread import Spread, spread_of
from simclr_tui.store.metrics.history import Column, History
from simclr_tui.store.metrics.metric_table import METRICS


@dataclass(frozen=True)
class Band:
    """Hold mean and deviation over runs, at rows of the first run whose steps all of them have logged."""

    rows: tuple[int, ...]
    spreads: tuple[Spread, ...]


def has_mean(metric: str) -> bool:
    """Return whether a mean over seeds says something: of a machine's speed or memory it does not."""
    return metric not in METRICS or METRICS[metric].within != "machine"


def band(histories: Sequence[History], metric: str, rows: Sequence[int]) -> Band:
    """Return the mean of a metric over several runs, at those of the first run's `rows` whose steps all have logged.

    A step at which some run's value is not finite is left out: a mean over fewer runs would jump there. The cost grows
    with the number of rows, not with the length of the histories.
    """
    columns = [history.columns.get(metric) for history in histories]
    known = [column for column in columns if column is not None]
    kept: list[tuple[int, Spread]] = []
    if len(known) == len(histories):
        logs = list(zip(histories, known, strict=True))
        for row in rows:
            step = histories[0].step[row]
            found = spread_of(_value_at(history, column, step) for history, column in logs)
            if found is not None and found.count == len(logs):
                kept.append((row, found))
    return Band(tuple(row for row, _ in kept), tuple(found for _, found in kept))


def spaced_rows(rows: Sequence[int], most: int) -> list[int]:
    """Return at most `most` + 1 of the rows, evenly spaced, the last of them included."""
    spaced = list(rows[:: max(1, -(-len(rows) // max(1, most)))])
    return spaced if not rows or spaced[-1] == rows[-1] else [*spaced, rows[-1]]


def _value_at(history: History, column: Column, step: int) -> float | None:
    """Return the value logged at a step; None if there is none."""
    index = bisect_left(column.rows, step, key=history.step.__getitem__)
    if index == len(column.rows) or history.step[column.rows[index]] != step:
        return None
    return column.values[index]
