"""A run's metrics, read while they are being written: every attempt joined into one line of steps."""

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
from simclr_tui.store.metrics.batch_decoder import COORDINATES, Batch, BatchDecoder
from simclr_tui.store.metrics.minmax_tree import Extremes

_OF_A_STEP = "loss"  # what the line of a step has and that of an evaluation has not
_CHUNK = 1 << 20
_MANY = 2000  # lines that are worth the import of numpy, which takes as long as reading them one by one
_FEW = 64  # lines among which the odd one is found by looking at each


class Points(NamedTuple):
    """One metric: `steps[i]` updates had been made when `values[i]` was measured (NaN: not a number)."""

    steps: list[int]
    values: list[float]


@dataclass
class Column:
    """One metric's values and the row each stands in."""

    rows: array[int] = field(default_factory=lambda: array("q"))
    extremes: Extremes = field(default_factory=Extremes)

    @property
    def values(self) -> array[float]:
        return self.extremes.values


@dataclass
class _Cursor:
    """How far one attempt's file has been read."""

    number: int
    path: Path
    offset: int = 0
    first_line: bool = True
    started_at: float = 0.0


class History:
    """Tails the metric logs of a run. `poll` reads what is new; where attempts overlap, the later one wins from
    its first step. A torn last line is left for the next poll; a damaged line is skipped and counted."""

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths
        self._cursors: list[_Cursor] = []
        self._decoder = msgspec.json.Decoder(dict[str, float | None])
        self._batches = BatchDecoder(())
        self.step = array("q")
        self.epoch = array("d")
        self.time = array("d")  # seconds of training, attempts added up
        self.columns: dict[str, Column] = {}
        self.damaged = 0
        self.behind = False  # whether the last poll left something to read

    def poll(self, budget: int | None = None) -> bool:
        """Read up to `budget` new bytes (None: all). True when something was read."""
        self._find_attempts()
        left = budget if budget is not None else 1 << 62
        changed = False
        for index, cursor in enumerate(self._cursors):
            # An attempt is read to its end before the next one: the later overrides the earlier.
            while left > 0 and (used := self._read(cursor, min(left, _CHUNK))):
                left -= used
                changed = True
            if left <= 0 and index + 1 < len(self._cursors):
                break
        self.behind = left <= 0
        return changed

    def _find_attempts(self) -> None:
        newest = self._cursors[-1].number if self._cursors else 0
        if newest and not self._paths.attempt(newest + 1).root.exists():
            return
        for attempt in self._paths.attempts():
            if attempt.number > newest:
                self._cursors.append(_Cursor(attempt.number, attempt.metrics))

    def _read(self, cursor: _Cursor, limit: int) -> int:
        try:
            with open_regular(cursor.path) as file:
                file.seek(cursor.offset)
                data = file.read(limit)
                whole = data.rfind(b"\n") + 1
                if not whole and len(data) == limit:  # one line longer than the budget: read on to its end
                    data += file.readline()
                    whole = data.rfind(b"\n") + 1
        except OSError:
            return 0
        lines = data[:whole].splitlines()
        if len(lines) < _MANY:
            self._take_each(cursor, lines)
        else:
            self._take_many(cursor, lines)
        cursor.offset += whole
        return whole

    def _take_many(self, cursor: _Cursor, lines: list[bytes]) -> None:
        """Lines in batches; where one is out of the ordinary, its half again, and its neighbours one by one."""
        if len(lines) <= _FEW:
            self._take_each(cursor, lines)
        elif (batch := self._decode(cursor, lines)) is not None:
            self._append(cursor, batch)
        else:
            middle = len(lines) // 2
            self._take_many(cursor, lines[:middle])
            self._take_many(cursor, lines[middle:])

    def _decode(self, cursor: _Cursor, lines: list[bytes]) -> Batch | None:
        """None where the lines do not simply go on from the last row, in metrics that are known."""
        if cursor.first_line or not self.step:
            return None
        if self._batches.size != len(self.columns):
            self._batches = BatchDecoder(tuple(self.columns))
        batch = self._batches.decode(lines)
        return batch if batch is not None and batch.step[0] >= self.step[-1] else None

    def _append(self, cursor: _Cursor, batch: Batch) -> None:
        row = len(self.step)
        self.step.frombytes(batch.step.tobytes())
        self.epoch.frombytes(batch.epoch.tobytes())
        self.time.frombytes((cursor.started_at + batch.time).tobytes())
        for name, (rows, values) in batch.metrics.items():
            column = self.columns[name]
            column.rows.frombytes((row + rows).tobytes())
            column.extremes.extend(values)

    def _take_each(self, cursor: _Cursor, lines: list[bytes]) -> None:
        for line in lines:
            self._take(cursor, line)

    def _take(self, cursor: _Cursor, line: bytes) -> None:
        try:
            values = self._decoder.decode(line)
            step, epoch, seconds = _whole(values["step"]), values["epoch"] or 0.0, values["time"] or 0.0
        except (KeyError, ValueError, RecursionError):
            self.damaged += bool(line.strip())
            return
        if cursor.first_line:
            self._cut(step, evaluation=_OF_A_STEP not in values)
            cursor.started_at = self.time[-1] if self.time else 0.0
            cursor.first_line = False
        elif self.step and step < self.step[-1] and not self._put_in_order(step):
            return
        row = len(self.step)
        self.step.append(step)
        self.epoch.append(epoch)
        self.time.append(cursor.started_at + seconds)
        for name, value in values.items():
            if name not in COORDINATES:
                column = self.columns.setdefault(name, Column())
                column.rows.append(row)
                column.extremes.append(math.nan if value is None else value)

    def _put_in_order(self, step: int) -> bool:
        """Steps never fall within an attempt. Where they do, the odd one out is damaged: the row before `step`,
        which is then dropped, or else `step` itself (False)."""
        self.damaged += 1
        if len(self.step) > 1 and step < self.step[-2]:
            return False
        self._keep(len(self.step) - 1)
        return True

    def _cut(self, step: int, evaluation: bool) -> None:
        """Forget everything from `step` on: a resumed attempt tells it again. But for the figures of the step itself
        where it begins with an evaluation, which is the one that the attempt before was stopped in."""
        row = bisect_left(self.step, step)
        if evaluation and row < len(self.step) and self.step[row] == step and self._has_figures(row):
            row += 1
        self._keep(row)

    def _has_figures(self, row: int) -> bool:
        rows = self.columns[_OF_A_STEP].rows if _OF_A_STEP in self.columns else array("q")
        place = bisect_left(rows, row)
        return place < len(rows) and rows[place] == row

    def _keep(self, row: int) -> None:
        """Forget the rows from `row` on."""
        for coordinate in (self.step, self.epoch, self.time):
            del coordinate[row:]
        for column in self.columns.values():
            count = bisect_left(column.rows, row)
            del column.rows[count:]
            column.extremes.truncate(count)

    def points(self, name: str) -> Points:
        """A metric whole; empty lists when it was never logged."""
        column = self.columns.get(name)
        if column is None:
            return Points([], [])
        return Points([self.step[row] for row in column.rows], list(column.values))

    def last(self, name: str) -> float | None:
        """The newest value that is a number."""
        column = self.columns.get(name)
        return next((value for value in reversed(column.values) if value == value), None) if column else None

    def best(self, name: str, highest: bool) -> tuple[int, float] | None:
        """(step, value) of the best: the first of equal lowest, the last of equal highest ones. None: no value."""
        column = self.columns.get(name)
        low, high = column.extremes.range(0, len(column.values)) if column else (math.nan, math.nan)
        if column is None or math.isnan(low):
            return None
        if not highest:
            return self.step[column.rows[column.values.index(low)]], low
        return self.step[column.rows[len(column.rows) - 1 - column.values[::-1].index(high)]], high


def _whole(step: float | None) -> int:
    """A step as it can be. Raises ValueError."""
    if step is None or not 0 <= step < 2**53 or step != int(step):
        raise ValueError(step)
    return int(step)
