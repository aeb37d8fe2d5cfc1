"""Read the end of a log as a terminal would show it: carriage returns folded, escape sequences removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from simclr_tui.regular_file import open_regular
from simclr_tui.text import safe

TAIL = 200_000  # bytes
LEFT_OUT = b" left out here: "  # part of the line that replaces what was cut from a log that grew too long
_MAX_LINE = 4000  # characters
_CHUNK = 4_000_000  # bytes read at once; a longer line comes in pieces
_CONTEXT = 1000  # bytes kept of what was read last, to find the position again in a shortened log
# CSI (colours, cursor moves), OSC (titles, links) and two-character escapes mean nothing outside a terminal.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


def tail_lines(path: Path, limit: int = TAIL) -> list[str]:
    """Return the lines in the last `limit` bytes of a log; empty if there is none. Raises any other OSError."""
    try:
        data = read_end(path, limit + 1)
    except FileNotFoundError:
        return []
    begin = data.find(b"\n") + 1 if len(data) > limit else 0
    return list(_folded(data[begin:] or data))  # a single endless line is shown from where the data begins


def read_end(path: Path, limit: int) -> bytes:
    """Return the last `limit` bytes of a file. Raises OSError."""
    with open_regular(path) as file:
        file.seek(max(0, file.seek(0, 2) - limit))
        return file.read(limit)


class LogFollower:
    """Read a log as it grows, from byte `begin` on.

    If the log is shortened meanwhile, reading continues after what was read last, or, if that was cut, with the line
    that says so.
    """

    def __init__(self, path: Path, begin: int = 0) -> None:
        self._path, self._offset = path, begin
        self._last = b""

    def poll(self, ended: bool = False) -> Iterator[str]:
        """Yield the whole lines written since the last call and, if `ended`, an unfinished one. Raises OSError."""
        with open_regular(self._path) as file:
            if not self._is_unchanged(file):
                self._find_position(file)
            file.seek(self._offset)
            while data := file.read(_CHUNK):
                whole = data.rfind(b"\n") + 1 or (len(data) if ended or len(data) == _CHUNK else 0)
                if not whole:
                    return
                yield from _folded(data[:whole])
                self._offset += whole
                self._last = (self._last + data[:whole])[-_CONTEXT:]
                file.seek(self._offset)

    def _is_unchanged(self, file: BinaryIO) -> bool:
        file.seek(self._offset - len(self._last))
        return file.read(len(self._last)) == self._last and file.seek(0, 2) >= self._offset

    def _find_position(self, file: BinaryIO) -> None:
        file.seek(0)
        data = file.read()
        at = data.rfind(self._last) if self._last else -1
        self._offset = at + len(self._last) if at >= 0 else data.rfind(b"\n", 0, data.find(LEFT_OUT) + 1) + 1
        self._last = self._last if at >= 0 else b""


def _folded(data: bytes) -> Iterator[str]:
    if data:
        yield from map(fold, data.decode("utf-8", errors="replace").removesuffix("\n").split("\n"))


def fold(line: str) -> str:
    """Return what a terminal would show of one line: each `\\r` starts it again, and escape sequences are removed."""
    parts = [part for part in line.split("\r") if part]
    return safe(_ESCAPES.sub("", parts[-1] if parts else ""))[:_MAX_LINE]
