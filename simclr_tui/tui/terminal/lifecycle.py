"""The terminal's lifecycle: when it hangs up, when it cannot draw, and the record left after a crash."""

from __future__ import annotations

import os
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from simclr_tui.display.glyphs import draws_unicode
from simclr_tui.text import safe

if TYPE_CHECKING:
    import asyncio

    from textual.driver import Driver

HUNG_UP = 128 + signal.SIGHUP

# Replacements for drawn characters that the locale cannot show; all are one cell wide.
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("─━╌═▔▁", "-"), **dict.fromkeys("│┃┊┆▏▎▕▌▐", "|"), **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯", "+"),
        **dict.fromkeys("▂▃▄▅▆▇█▀", "#"), **dict.fromkeys("▶▷►", ">"), **dict.fromkeys("▼▽", "v"), "▲": "^",
        "←": "<", "→": ">", "↑": "^", "↓": "v", "┄": "-",
        "–": "-", "—": "-", "…": "~", "·": ".", "≥": ">", "≤": "<", "≠": "!", "°": " ", "×": "x", "τ": "t", "★": "*",
        "\N{NO-BREAK SPACE}": " ", "−": "-", "§": "S", "’": "'", "“": '"', "”": '"', "⠀": " ",
    }
)  # fmt: skip


def plain(text: str) -> str:
    """Return the text in ASCII, cell for cell where one character is one cell."""
    return text.translate(_PLAIN).encode("ascii", "replace").decode()


def driver_class() -> type[Driver] | None:
    """Return the driver, one that writes ASCII unless the locale is UTF-8; None (Textual's choice) in a browser."""
    if sys.platform == "win32" or is_served():
        return None
    from simclr_tui.tui.terminal.driver import TerminalDriver

    if draws_unicode():
        return TerminalDriver

    class PlainDriver(TerminalDriver):
        def write(self, data: str) -> None:
            super().write(plain(data))

    return PlainDriver


def is_served() -> bool:
    """Return True if a browser stands in for the terminal: textual-serve names its driver."""
    return "WebDriver" in os.environ.get("TEXTUAL_DRIVER", "")


def is_terminal(stream: TextIO | None) -> bool:
    """Return True for a terminal that can draw, one that is not dumb."""
    return stream is not None and stream.isatty() and os.environ.get("TERM", "") != "dumb"


def is_gone() -> bool:
    """Return True if the terminal hung up: it was closed, or its connection dropped."""
    stream = sys.__stdin__
    if stream is None or stream.closed:
        return True
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))


def leave_if_gone() -> None:
    """Exit at once if there is no terminal left to restore; nothing else depends on this process."""
    if is_gone():
        os._exit(HUNG_UP)


def on_signals(loop: asyncio.AbstractEventLoop, driver: Driver | None, leave: Callable[[int], object]) -> None:
    """Call `leave` with the exit code on SIGHUP, SIGTERM or SIGINT; stop and continue on job-control signals.

    A second signal while only background work is awaited ends the process at once.
    """
    from simclr_tui.tui.terminal.driver import TerminalDriver

    ours = driver if isinstance(driver, TerminalDriver) else None

    def leave_on_signal(number: int) -> None:
        leave_if_gone()
        if ours is not None and ours.given_back:
            os._exit(128 + number)
        if ours is not None and ours.giving_back:
            ours.hurry = 128 + number
        leave(128 + number)

    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave_on_signal, number)
    if ours is not None:
        ours.follow_shell(loop)


def record_crash(error: BaseException) -> str:
    """Write the traceback to a file; return the one line to show the user."""
    text = "".join(traceback.format_exception(error))
    what = safe(f"{type(error).__name__}: {error}")[:200]
    for folder in (_state_folder(), Path(tempfile.gettempdir())):
        path = folder / f"dashboard-crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return f"the dashboard failed ({what}); runs keep training; the traceback is in {safe(str(path))}"
    return f"the dashboard failed ({what}); runs keep training"


def _state_folder() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "simclr-tui"
