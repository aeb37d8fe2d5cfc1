"""The dashboard as a real process in a real terminal, read by pyte."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pyte
import pytest

LAUNCH = """
import sys
from pathlib import Path
from simclr_tui.tui import app, session
{before}
sys.exit(session.run_dashboard(Path(sys.argv[1])))
"""
_MODE = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
_ON_AT_FIRST = {b"25", b"7"}  # the cursor, and lines that wrap


class Terminal:
    """A pseudo-terminal with the dashboard in it. `before` is done to it before it starts, or else it is started by
    `command`; `shell` stands between the two. `slave` stays open to look at the settings of the terminal."""

    def __init__(self, root, before="", size=(120, 36), answer="\x1b[?62c", shell=(), command=(), **env):
        self.answer = answer.encode()
        self.master, self.slave = os.openpty()
        self.screen = pyte.Screen(*size)
        self.stream = pyte.ByteStream(self.screen)
        self.output = b""
        self.resize(*size, tell=False)
        self.settings = termios.tcgetattr(self.slave)
        slave = self.slave
        # A size in the environment would be believed before that of the terminal.
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [
                *shell,
                sys.executable,
                "-X",
                "faulthandler",
                *(command or ("-c", LAUNCH.format(before=before), str(root))),
            ],
            preexec_fn=lambda: os.login_tty(os.dup(slave)),
            env=inherited | {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | env,
        )

    def resize(self, columns, lines, tell=True):
        """Make it another size. The kernel tells those in its foreground, as with every terminal."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def read(self, seconds=0.05):
        if select.select([self.master], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                data = os.read(self.master, 65536)
                self.output += data
                if b"\x1b[c" in self.output[-len(data) - 2 :]:  # a question may come in two pieces
                    os.write(self.master, self.answer)
                self.stream.feed(data)

    def type(self, keys):
        os.write(self.master, keys.encode())

    @property
    def text(self):
        return "\n".join(self.screen.display)

    def until(self, condition, timeout=60.0):
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, self._screen_and_stacks()
            self.read()

    def _screen_and_stacks(self):
        """The screen that lacks what was waited for, and what the dashboard did meanwhile: it ends with this."""
        shown, before = self.text, len(self.output)
        with contextlib.suppress(OSError):
            os.killpg(os.tcgetpgrp(self.master), signal.SIGABRT)
            until = time.monotonic() + 5.0
            while time.monotonic() < until:
                self.read()
        return f"{shown}\n{self.output[before:].decode(errors='replace')[-20_000:]}"

    def still(self, seconds=1.0, timeout=60.0):
        """The screen once it stays the same for so long, without its first line, which tells the load of the time."""
        deadline, since, shown = time.monotonic() + timeout, time.monotonic(), []
        while time.monotonic() - since < seconds:
            assert time.monotonic() < deadline, self._screen_and_stacks()
            self.read()
            if self.screen.display[1:] != shown:
                shown, since = self.screen.display[1:], time.monotonic()
        return shown

    def ended(self, timeout=60.0):
        """The exit code, with everything read that was written."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self._screen_and_stacks()
            self.read()
        while select.select([self.master], [], [], 0)[0]:
            self.read(0)
        return self.process.returncode

    def hang_up(self):
        """Close the terminal under the dashboard."""
        self._close(self.slave)
        os.close(self.master)

    @property
    def restored(self):
        """Whether it is as it was found: its settings, its screen, its cursor, no mouse, no keys of another kind."""
        return termios.tcgetattr(self.slave) == self.settings and not modes_left(self.output)

    def close(self):
        self._close(self.slave, self.master)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _close(self, *files):
        for file in files:
            with contextlib.suppress(OSError):
                os.close(file)


def modes_left(output):
    """The private modes that what was written to a terminal leaves other than they are at first."""
    left = set()
    for numbers, turned in _MODE.findall(output):
        for number in numbers.split(b";"):
            left.discard(number)
            if (turned == b"h") != (number in _ON_AT_FIRST):
                left.add(number)
    kept = len(re.findall(rb"\x1b\[>\d+u", output)) - output.count(b"\x1b[<u")  # Kitty's keys are pushed and popped
    return left | ({b"keys"} if kept > 0 else set())


@pytest.fixture
def open_terminal(tmp_path):
    """Opens a terminal with the dashboard in it; all are closed after the test."""
    opened = []

    def start(root=None, **options):
        opened.append(Terminal(root or tmp_path / "runs", XDG_STATE_HOME=str(tmp_path / "state"), **options))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()
