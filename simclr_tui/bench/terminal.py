"""Run the dashboard in a terminal of its own, and measure the time from a key to its effect on screen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from simclr_tui.bench.timing import environment
from simclr_tui.errors import SimclrError
from simclr_tui.interpreter import python_module

_PATIENCE = 60.0  # seconds
_QUESTION, _ANSWER = b"\x1b[c", b"\x1b[?62c"  # the query for device attributes, which every terminal answers


class Terminal:
    """Run a `simclr` process in a pseudo-terminal, and end it with the `with` block."""

    def __init__(self, words: Sequence[str], columns: int, lines: int) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        told = {key: value for key, value in environment().items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
        self._rest = b""
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            python_module("simclr_tui.cli.main", *words),
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=told | {"TERM": "xterm-256color", "LANG": "C.UTF-8"},
        )  # fmt: skip
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def until(self, words: str) -> float:
        """Return the seconds until the screen shows `words`. Raises SimclrError where it never does."""
        began, seen, wanted = time.perf_counter(), self._rest, words.encode()
        while wanted not in seen:
            left = _PATIENCE - (time.perf_counter() - began)
            if left <= 0 or self._process.poll() is not None:
                raise SimclrError(f"the dashboard never showed {words!r}", "try it by hand: simclr tui")
            if select.select([self._master], [], [], min(left, 1))[0]:
                told = os.read(self._master, 65536)
                if _QUESTION in told:
                    os.write(self._master, _ANSWER)
                seen += told
        self._rest = seen[seen.index(wanted) :]  # what was drawn with it may be asked for next
        return time.perf_counter() - began

    def quiet(self, seconds: float) -> None:
        """Read and discard output for `seconds`."""
        self._rest = b""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self._master], [], [], left)[0]:
                os.read(self._master, 65536)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def peak_memory(self) -> int:
        """Return the peak memory in bytes; 0 where the system does not report it."""
        with contextlib.suppress(OSError), open(f"/proc/{self._process.pid}/status") as told:
            for line in told:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0
