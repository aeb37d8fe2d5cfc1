"""The terminal under the dashboard: when it goes, when it cannot draw, and what is left behind after a crash."""

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

# What each drawn character becomes where the locale cannot show it; all are one cell wide.
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("─━╌═▔▁", "-"), **dict.fromkeys("│┃┊┆▏▎▕▌▐", "|"), **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯", "+"),
        **dict.fromkeys("▂▃▄▅▆▇█▀", "#"), **dict.fromkeys("▶▷►", ">"), **dict.fromkeys("▼▽", "v"), "▲": "^",
        "–": "-", "—": "-", "…": "~", "·": ".", "≥": ">", "≤": "<", "≠": "!", "°": " ", "×": "x", "τ": "t", "★": "*",
        "\N{NO-BREAK SPACE}": " ", "−": "-", "§": "S", "’": "'", "“": '"', "”": '"', "⠀": " ",
    }
)  # fmt: skip


def plain(text: str) -> str:
    """In ASCII, cell for cell as far as one character is one cell."""
    return text.translate(_PLAIN).encode("ascii", "replace").decode()


def driver_class() -> type[Driver] | None:
    """A driver that writes ASCII where the locale is not UTF-8; None, for Textual's own choice, in a browser."""
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
    """Whether a browser stands for the terminal: textual-serve names its driver."""
    return "WebDriver" in os.environ.get("TEXTUAL_DRIVER", "")


def is_terminal(stream: TextIO | None) -> bool:
    """Whether one can draw there: a terminal that is not dumb."""
    return stream is not None and stream.isatty() and os.environ.get("TERM", "") != "dumb"


def is_gone() -> bool:
    """Whether the terminal was hung up: closed, or its connection dropped."""
    stream = sys.__stdin__
    if stream is None or stream.closed:
        return True
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))


def leave_if_gone() -> None:
    """End at once when there is no terminal left to restore; nothing else depends on this process."""
    if is_gone():
        os._exit(HUNG_UP)


def on_signals(loop: asyncio.AbstractEventLoop, driver: Driver | None, leave: Callable[[int], object]) -> None:
    """Call `leave` with the exit code when told to hang up, to end or to be interrupted; stop when told to, and go on.

    Told again while only work beside the screen is waited for, it ends at once."""
    from simclr_tui.tui.terminal.driver import TerminalDriver

    ours = driver if isinstance(driver, TerminalDriver) else None

    def told(number: int) -> None:
        leave_if_gone()
        if ours is not None and ours.given_back:
            os._exit(128 + number)
        if ours is not None and ours.giving_back:
            ours.hurry = 128 + number
        leave(128 + number)

    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told, number)
    if ours is not None:
        ours.follow_shell(loop)


def record_crash(error: BaseException) -> str:
    """Write the traceback into a file; returns the one line that a person is shown."""
    text = "".join(traceback.format_exception(error))
    what = safe(f"{type(error).__name__}: {error}")[:200]
    for folder in (_state_folder(), Path(tempfile.gettempdir())):
        path = folder / f"dashboard-crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return f"the dashboard failed ({what}); runs go on; the traceback is in {safe(str(path))}"
    return f"the dashboard failed ({what}); runs go on"


def _state_folder() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "simclr-tui"
