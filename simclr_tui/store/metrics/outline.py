"""Keep a few thousand points of a long history in a file, so that its charts are drawn at once when it is opened again.

The points are those of M4 (Jugel et al., VLDB 2014): the first, last, lowest and highest value of each of 2,048 blocks
of a metric. Each was measured, and stands at its own step.
"""

from __future__ import annotations

import contextlib
import os
import sys
import zlib
from array import array
from typing import TYPE_CHECKING, Any

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.deferred_sync import DeferredSync
from simclr_tui.paths import RunPaths
from simclr_tui.regular_file import open_regular, read_small
from simclr_tui.store.metrics.history import Column, Cursor, History
from simclr_tui.store.unreadable import UNREADABLE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

_FORMAT = 1
_BLOCKS = 2048  # more than eight for each dot of a chart that is 120 cells wide
_WHOLE = 4 * _BLOCKS  # values: a metric with no more is kept whole
_MOST_METRICS = 200  # a log with more, such as a new one in every line, is not outlined
_WORTH = 200_000  # rows: fewer are read in a third of a second
_AGAIN = 50_000  # new rows after which the outline is written again: it takes as long to read what was appended since
_ENDING = 4096  # bytes before the place up to which a log was read, whose checksum is kept


class _Attempt(msgspec.Struct, frozen=True):
    """Hold how far an attempt's log was read, and how to tell that it is still that log."""

    number: int
    offset: int
    started_at: float
    begun: bool  # whether a line of it was read
    file: tuple[int, int, int]  # inode, size, time of the last change
    ending: int


class _Thinned(msgspec.Struct, frozen=True):
    """Hold the kept values of a metric, and the kept row of each, as the bytes of arrays."""

    rows: bytes
    values: bytes


class _Contents(msgspec.Struct, frozen=True):
    """Hold what an outline's file contains behind its checksum."""

    format: int
    byte_order: str
    rows: int  # of the whole history
    damaged: int
    attempts: list[_Attempt]
    step: bytes
    epoch: bytes
    time: bytes
    columns: dict[str, _Thinned]


class Outline:
    """Stand in for the history of a run that was read before, until its log has been read once more.

    `history` has the kept points and all that was logged since then; None while there is no outline, or once it no
    longer holds. With `writes`, `keep` leaves one for the next time, in a run folder of the user's own.
    """

    def __init__(self, paths: RunPaths, *, writes: bool = False) -> None:
        self.history: History | None = None
        self._paths, self._writes = paths, writes
        self._damaged = 0
        self._kept: tuple[int, int] | None = None

    def open(self, budget: int) -> bool:
        """Load the outline and up to `budget` bytes logged since. Returns whether there is one that holds."""
        contents = _read(self._paths)
        if contents is None or not all(_still(self._paths, it, contents) for it in contents.attempts):
            return False
        self.history = _restored(self._paths, contents)
        self._damaged, self._kept = contents.damaged, _mark(len(contents.attempts), contents.rows)
        return self.follow(budget)

    def follow(self, budget: int) -> bool:
        """Read up to `budget` bytes logged since, and return whether the outline holds.

        It does while lines are only added to the newest attempt. A new attempt, or a line that is damaged or goes back
        in steps, may take back points of which the outline has some only.
        """
        history = self.history
        if history is None:
            return False
        attempts = len(history.cursors)
        history.poll(budget)
        if history.damaged != self._damaged or len(history.cursors) != attempts:
            self.history = self._kept = None
        return self.history is not None

    def close(self, read: History) -> bool:
        """Give way to the history that was read whole, and return whether that was still to be done."""
        stood_in, self.history = self.history is not None, None
        mark = _mark(len(read.cursors), len(read.step))
        if self._writes and mark != self._kept and len(read.step) >= _WORTH and _is_own(self._paths):
            self._kept = mark  # even if it cannot be written: it is not tried again at every look
            with contextlib.suppress(OSError):
                write_outline(self._paths, read)
        return stood_in


def write_outline(paths: RunPaths, history: History) -> None:
    """Write the outline of a history that was read to its end; nothing for a log that cannot be outlined.

    Raises OSError. It is not synced: its checksum tells if a loss of power took part of it.
    """
    if not history.step or len(history.columns) > _MOST_METRICS or any(it.in_endless_line for it in history.cursors):
        return
    body = msgspec.msgpack.encode(_contents(paths, history))
    write_file(paths.outline, zlib.crc32(body).to_bytes(4, "little") + body, system=DeferredSync())


def _contents(paths: RunPaths, history: History) -> _Contents:
    import numpy as np

    kept = {name: _kept(column) for name, column in history.columns.items()}
    rows_of = {name: np.frombuffer(history.columns[name].rows, dtype=np.int64)[kept[name]] for name in kept}
    rows = np.unique(np.concatenate([[0, len(history.step) - 1], *rows_of.values()]).astype(np.int64))
    return _Contents(
        format=_FORMAT,
        byte_order=sys.byteorder,
        rows=len(history.step),
        damaged=history.damaged,
        attempts=[_attempt(paths, cursor) for cursor in history.cursors],
        step=np.frombuffer(history.step, dtype=np.int64)[rows].tobytes(),
        epoch=np.frombuffer(history.epoch)[rows].tobytes(),
        time=np.frombuffer(history.time)[rows].tobytes(),
        columns={
            name: _Thinned(
                np.searchsorted(rows, rows_of[name]).astype(np.int64).tobytes(),
                np.frombuffer(history.columns[name].values)[kept[name]].tobytes(),
            )
            for name in kept
        },
    )


def _kept(column: Column) -> Integers:
    """Return the indices of the values to keep, rising; of a block without a number, its ends."""
    import numpy as np

    values = np.frombuffer(column.values)
    count = len(values)
    if count <= _WHOLE:
        return np.arange(count)
    size = -(-count // _BLOCKS)
    blocks = np.pad(values, (0, -count % size), constant_values=np.nan).reshape(-1, size)
    known = ~np.isnan(blocks)
    places = [
        np.where(known, blocks, np.inf).argmin(axis=1),
        np.where(known, blocks, -np.inf).argmax(axis=1),
        known.argmax(axis=1),
        size - 1 - known[:, ::-1].argmax(axis=1),
    ]
    found = (np.stack(places) + np.arange(len(blocks)) * size).ravel()
    return np.unique(np.append(found.clip(max=count - 1), [0, count - 1]))


def _attempt(paths: RunPaths, cursor: Cursor) -> _Attempt:
    file, ending = _state_of(paths, cursor.number, cursor.offset)
    return _Attempt(cursor.number, cursor.offset, cursor.started_at, not cursor.first_line, file, ending)


def _state_of(paths: RunPaths, number: int, offset: int) -> tuple[tuple[int, int, int], int]:
    """Return inode, size and time of an attempt's log, and the checksum of what is before `offset`; 0 without one."""
    try:
        with open_regular(paths.attempt(number).metrics) as file:
            found = os.fstat(file.fileno())
            file.seek(max(0, offset - _ENDING))
            ending = zlib.crc32(file.read(min(offset, _ENDING)))
    except OSError:
        return (0, 0, 0), 0
    return (found.st_ino, found.st_size, found.st_mtime_ns), ending


def _still(paths: RunPaths, attempt: _Attempt, contents: _Contents) -> bool:
    """Return whether an attempt's log is as it was, or the newest one has only grown."""
    file, ending = _state_of(paths, attempt.number, attempt.offset)
    (inode, size, _), may_grow = attempt.file, attempt.begun and attempt is contents.attempts[-1]
    grown = may_grow and file[0] == inode and file[1] > size
    return ending == attempt.ending and (grown or file == attempt.file)


def _read(paths: RunPaths) -> _Contents | None:
    """Return what the outline's file contains; None where there is none, or it is damaged or of another format."""
    try:
        data = memoryview(read_small(paths.outline))
        if zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little"):
            return None
        contents = msgspec.msgpack.decode(data[4:], type=_Contents)
    except UNREADABLE:
        return None
    return contents if contents.format == _FORMAT and contents.byte_order == sys.byteorder and _fits(contents) else None


def _fits(contents: _Contents) -> bool:
    """Return whether the arrays belong together, which another program's file might not."""
    rows, rest = divmod(len(contents.step), 8)
    if not rows or rest or not contents.attempts or {len(contents.epoch), len(contents.time)} != {8 * rows}:
        return False
    return all(
        len(column.rows) == len(column.values) and not len(column.rows) % 8 and _lie_within(column.rows, rows)
        for column in contents.columns.values()
    )


def _lie_within(data: bytes, rows: int) -> bool:
    found = _array("q", data)
    return not found or (min(found) >= 0 and max(found) < rows)


def _restored(paths: RunPaths, contents: _Contents) -> History:
    """Return a history of the kept points that reads on where the one that was read whole had ended."""
    history = History(paths)
    history.damaged = contents.damaged
    history.step, history.epoch, history.time = (
        _array("q", contents.step),
        _array("d", contents.epoch),
        _array("d", contents.time),
    )
    for name, thinned in contents.columns.items():
        column = history.columns[name] = Column(_array("q", thinned.rows))
        column.extremes.load(_array("d", thinned.values))
    for it in contents.attempts:
        log = paths.attempt(it.number).metrics
        history.cursors.append(Cursor(it.number, log, it.offset, first_line=not it.begun, started_at=it.started_at))
    return history


def _array(kind: str, data: bytes) -> array[Any]:
    found = array(kind)
    found.frombytes(data)
    return found


def _mark(attempts: int, rows: int) -> tuple[int, int]:
    """Return what changes when the outline is worth writing again."""
    return attempts, rows // _AGAIN


def _is_own(paths: RunPaths) -> bool:
    """Return whether the run folder is this user's."""
    try:
        return paths.root.stat().st_uid == os.geteuid()
    except OSError:
        return False
