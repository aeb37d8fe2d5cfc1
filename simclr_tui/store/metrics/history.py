"""Read a run's metrics while they are being written, and join its attempts into one sequence of steps."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from simclr_tui.paths import RunPaths
from simclr_tui.regular_file import open_regular
from simclr_tui.store.metrics.batch_decoder import COORDINATES, Batch, BatchDecoder, blank_where_none_is
from simclr_tui.store.metrics.metric_table import METRICS
from simclr_tui.store.metrics.minmax_tree import Extremes

_STEP_METRIC = "loss"  # present in the line of a step, absent from that of an evaluation
_BESIDE_LOSS = frozenset(name for name, metric in METRICS.items() if metric.within == "loss") - {_STEP_METRIC}
_CHUNK = 1 << 20
_LONGEST = 4 << 20  # bytes: no line of ours is ever near it, and what has no newline is not collected without end
_BATCH_FROM = 2000  # lines: for fewer, importing numpy takes longer than reading them one by one
_SMALLEST_BATCH = 64  # lines: fewer are read one by one


class Points(NamedTuple):
    """Hold one metric: `values[i]` was measured after `steps[i]` updates (NaN: not a number)."""

    steps: list[int]
    values: list[float]


@dataclass
class Column:
    """Hold the values of one metric and the row of each."""

    rows: array[int] = field(default_factory=lambda: array("q"))
    extremes: Extremes = field(default_factory=Extremes)

    @property
    def values(self) -> array[float]:
        return self.extremes.values


@dataclass
class Cursor:
    """Remember how far one attempt's file has been read."""

    number: int
    path: Path
    offset: int = 0
    first_line: bool = True
    in_endless_line: bool = False
    started_at: float = 0.0


class History:
    """Follow the metric logs of a run, which `poll` reads.

    If attempts overlap, the later one wins from its first step on. An unfinished last line is left for the next poll; a
    damaged line is skipped and counted in `damaged`. What is measured of the same similarities as the loss is no number
    either where the loss is none: among embeddings that are not finite, none is nearer than an image's own other view.
    """

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths
        self.cursors: list[Cursor] = []
        self._decoder = msgspec.json.Decoder(dict[str, float | None])
        self._batches = BatchDecoder(())
        self.step = array("q")
        self.epoch = array("d")
        self.time = array("d")  # seconds of training, summed over attempts
        self.columns: dict[str, Column] = {}
        self.damaged = 0
        self.behind = False  # whether the last poll left something to read

    def poll(self, budget: int | None = None) -> bool:
        """Read up to `budget` new bytes (None: all), and return whether anything was read."""
        self._find_attempts()
        remaining = budget if budget is not None else 1 << 62
        changed = False
        for index, cursor in enumerate(self.cursors):
            # An attempt is read to its end before the next one, which overrides it.
            while remaining > 0 and (used := self._read(cursor, min(remaining, _CHUNK))):
                remaining -= used
                changed = True
            if remaining <= 0 and index + 1 < len(self.cursors):
                break
        self.behind = remaining <= 0
        return changed

    def _find_attempts(self) -> None:
        newest = self.cursors[-1].number if self.cursors else 0
        if newest and not self._paths.attempt(newest + 1).root.exists():
            return
        for attempt in self._paths.attempts():
            if attempt.number > newest:
                self.cursors.append(Cursor(attempt.number, attempt.metrics))

    def _read(self, cursor: Cursor, limit: int) -> int:
        try:
            with open_regular(cursor.path) as file:
                file.seek(cursor.offset)
                data = file.read(limit)
                whole = data.rfind(b"\n") + 1
                if not whole and len(data) == limit:  # one line longer than the budget: read on to its end
                    data += file.readline(_LONGEST)
                    whole = data.rfind(b"\n") + 1
        except OSError:
            return 0
        if not whole and len(data) >= _LONGEST:  # no line at all: passed over a piece at a time
            self.damaged += not cursor.in_endless_line
            cursor.in_endless_line = True
            cursor.offset += len(data)
            return len(data)
        if whole and cursor.in_endless_line:  # its end is not a line either
            cursor.in_endless_line = False
            end = data.find(b"\n") + 1
            cursor.offset += end
            return end
        lines = data[:whole].splitlines()
        if len(lines) < _BATCH_FROM:
            self._add_each(cursor, lines)
        else:
            self._add_many(cursor, lines)
        cursor.offset += whole
        return whole

    def _add_many(self, cursor: Cursor, lines: list[bytes]) -> None:
        """Add lines in one batch; if that fails, halve it until the unusual line is in a batch read line by line."""
        if len(lines) <= _SMALLEST_BATCH:
            self._add_each(cursor, lines)
        elif (batch := self._decode(cursor, lines)) is not None:
            self._append(cursor, batch)
        else:
            middle = len(lines) // 2
            self._add_many(cursor, lines[:middle])
            self._add_many(cursor, lines[middle:])

    def _decode(self, cursor: Cursor, lines: list[bytes]) -> Batch | None:
        """Return the lines as a batch; None if they do not simply continue from the last row with known metrics."""
        if cursor.first_line or not self.step:
            return None
        if self._batches.size != len(self.columns):
            self._batches = BatchDecoder(tuple(self.columns))
        batch = self._batches.decode(lines)
        return batch if batch is not None and batch.step[0] >= self.step[-1] else None

    def _append(self, cursor: Cursor, batch: Batch) -> None:
        row = len(self.step)
        self.step.frombytes(batch.step.tobytes())
        self.epoch.frombytes(batch.epoch.tobytes())
        self.time.frombytes((cursor.started_at + batch.time).tobytes())
        for name, (rows, values) in batch.metrics.items():
            column = self.columns[name]
            if name in _BESIDE_LOSS and _STEP_METRIC in batch.metrics:
                values = blank_where_none_is(batch.metrics[_STEP_METRIC], rows, values)
            column.rows.frombytes((row + rows).tobytes())
            column.extremes.extend(values)

    def _add_each(self, cursor: Cursor, lines: list[bytes]) -> None:
        for line in lines:
            self._add(cursor, line)

    def _add(self, cursor: Cursor, line: bytes) -> None:
        try:
            values = self._decoder.decode(line)
            step, epoch, seconds = _whole(values["step"]), values["epoch"] or 0.0, values["time"] or 0.0
        except (KeyError, ValueError, RecursionError):
            self.damaged += bool(line.strip())
            return
        if cursor.first_line:
            self._override_from(step, evaluation=_STEP_METRIC not in values)
            cursor.started_at = self.time[-1] if self.time else 0.0
            cursor.first_line = False
        elif self.step and step < self.step[-1] and not self._restore_order(step):
            return
        row, lost = len(self.step), values.get(_STEP_METRIC, 0.0) is None
        self.step.append(step)
        self.epoch.append(epoch)
        self.time.append(cursor.started_at + seconds)
        for name, value in values.items():
            if name not in COORDINATES:
                column = self.columns.setdefault(name, Column())
                column.rows.append(row)
                column.extremes.append(math.nan if value is None or (lost and name in _BESIDE_LOSS) else value)

    def _restore_order(self, step: int) -> bool:
        """Handle a `step` lower than the one before, of which one must be damaged; return whether to add `step`.

        Steps never decrease within an attempt. The row before `step` is dropped if that restores the order; otherwise
        `step` itself is refused.
        """
        self.damaged += 1
        if len(self.step) > 1 and step < self.step[-2]:
            return False
        self._truncate(len(self.step) - 1)
        return True

    def _override_from(self, step: int, evaluation: bool) -> None:
        """Drop everything from `step` on, because a resumed attempt logs it again.

        If the attempt begins with an evaluation, the previous one was stopped in it. The step's own metrics are then
        kept, because they are not logged again.
        """
        row = bisect_left(self.step, step)
        if evaluation and row < len(self.step) and self.step[row] == step and self._has_step_metrics(row):
            row += 1
        self._truncate(row)

    def _has_step_metrics(self, row: int) -> bool:
        rows = self.columns[_STEP_METRIC].rows if _STEP_METRIC in self.columns else array("q")
        index = bisect_left(rows, row)
        return index < len(rows) and rows[index] == row

    def _truncate(self, row: int) -> None:
        """Drop the rows from `row` on."""
        for coordinate in (self.step, self.epoch, self.time):
            del coordinate[row:]
        for column in self.columns.values():
            count = bisect_left(column.rows, row)
            del column.rows[count:]
            column.extremes.truncate(count)

    def points(self, name: str) -> Points:
        """Return all points of a metric; empty lists if it was never logged."""
        column = self.columns.get(name)
        if column is None:
            return Points([], [])
        return Points([self.step[row] for row in column.rows], list(column.values))

    def last(self, name: str) -> float | None:
        """Return the newest value that is a number; None if there is none."""
        column = self.columns.get(name)
        return next((value for value in reversed(column.values) if value == value), None) if column else None

    def best(self, name: str, highest: bool) -> tuple[int, float] | None:
        """Return (step, value) of the best value: the first of equal lowest or the last of equal highest ones.

        Return None if no value is a number.
        """
        column = self.columns.get(name)
        low, high = column.extremes.range(0, len(column.values)) if column else (math.nan, math.nan)
        if column is None or math.isnan(low):
            return None
        if not highest:
            return self.step[column.rows[column.values.index(low)]], low
        return self.step[column.rows[len(column.rows) - 1 - column.values[::-1].index(high)]], high


def _whole(step: float | None) -> int:
    """Return a step as an integer. Raises ValueError unless it is whole and not negative."""
    if step is None or not 0 <= step < 2**53 or step != int(step):
        raise ValueError(step)
    return int(step)
