"""Limit the size of an attempt's log on disk: keep its beginning and its end, leave out the middle.

The writer has the log open for appending and is unaware of this. Besides the middle, only lines written in the moment
between the last copy and the cut are lost; metrics and events are in other files and lose nothing.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from simclr_tui.store.log_tail import LEFT_OUT
from simclr_tui.text import size

LIMIT, HEAD, TAIL = 64_000_000, 1_000_000, 4_000_000  # bytes
LOOK_EVERY = 0.2  # seconds: a log is never longer than LIMIT and what is written to it in this time
_CHUNK = 1_000_000


@dataclass
class LogLimit:
    """Cut the log at `path` back to `limit` bytes at each look; `limit` is more than 2 × (`head` + `tail`)."""

    path: Path
    limit: int = LIMIT
    head: int = HEAD
    tail: int = TAIL
    _left_out: int = field(default=0, init=False)  # bytes, over all cuts
    _mark: tuple[int, int] = field(default=(0, 0), init=False)  # start and end of the line that reports the cut

    def look(self) -> None:
        """Shorten the log if it has grown too long; a failure is tried again at the next look."""
        with contextlib.suppress(OSError):
            if self.path.stat().st_size > self.limit:
                self._shorten()

    def _shorten(self) -> None:
        # Not opened for appending: the end is copied over the middle, and cut off where the copy ends. So lines stay
        # in order, and a reader of the end sees the same end before the cut and after it.
        fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            begin, marked = self._mark if self._left_out else (_line_before(fd, self.head),) * 2
            source = _line_after(fd, os.fstat(fd).st_size - self.tail)
            left_out = self._left_out + source - marked
            marked = _write(fd, self._words(left_out), begin)
            source, end = _copy(fd, source, marked, most=2 * self.tail)
            left_out += os.fstat(fd).st_size - source
            os.ftruncate(fd, end)
            self._left_out, self._mark = left_out, (begin, marked)
        finally:
            os.close(fd)

    def _words(self, left_out: int) -> bytes:
        rule = f"a log beyond {size(self.limit)} keeps its first {size(self.head)} and its last {size(self.tail)}"
        return b"\n[%b%b%b]\n" % (size(left_out).encode(), LEFT_OUT, rule.encode())


def _line_before(fd: int, offset: int) -> int:
    """Return where the last whole line before `offset` ends; `offset` itself inside an endless line."""
    begin = max(0, offset - _CHUNK)
    return begin + os.pread(fd, offset - begin, begin).rfind(b"\n") + 1 or offset


def _line_after(fd: int, offset: int) -> int:
    """Return where the next line begins; `offset` itself inside an endless line."""
    return offset + os.pread(fd, _CHUNK, offset).find(b"\n") + 1


def _copy(fd: int, source: int, target: int, *, most: int) -> tuple[int, int]:
    """Copy the end of a file forward, including what is written meanwhile; return where source and target end.

    At most `most` bytes are copied: a writer may be faster than the copy.
    """
    last = source + most
    while source < last and (data := os.pread(fd, min(_CHUNK, last - source), source)):
        target = _write(fd, data, target)
        source += len(data)
    return source, target if source < last else _line_before(fd, target)


def _write(fd: int, data: bytes, at: int) -> int:
    """Write all of `data` at `at`; return where it ends."""
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, at)
        view, at = view[written:], at + written
    return at


@contextlib.contextmanager
def limited(log: Path) -> Iterator[None]:
    """Keep a log within its limit while the block runs, and once more at its end."""
    limit, done = LogLimit(log), threading.Event()

    def look() -> None:
        while not done.wait(LOOK_EVERY):
            limit.look()

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        done.set()
        looking.join()
        limit.look()
