"""Run the dashboard from start to end: query the terminal, hand it to the app, restore it."""

from __future__ import annotations

import sys
from pathlib import Path

from simclr_tui.config import read_config
from simclr_tui.errors import ExitCode, SimclrError
from simclr_tui.tui.app import Dashboard
from simclr_tui.tui.terminal.capabilities import ask
from simclr_tui.tui.terminal.image_protocol import pixels
from simclr_tui.tui.terminal.lifecycle import is_served, is_terminal, leave_if_gone, record_crash

_SWITCH = 0.001  # seconds for which the feed's thread may block the screen's: a key needs several turns of both


def _ask_terminal(app: Dashboard) -> None:
    """Query the terminal; its answers take precedence over the environment."""
    answers = app.answers = ask(0, 2)  # the descriptors that Textual reads and writes
    if answers.light is not None:
        app.light = answers.light
    chosen = app.config.images
    protocol = answers.pictures if chosen == "auto" else "" if chosen == "blocks" else chosen
    app.pixels = pixels(protocol, answers.cell)


def _run(app: Dashboard) -> str | None:
    """Run the app; return its closing sentence. An error during exit counts as any other; the terminal is restored."""
    try:
        return app.run()
    except Exception as error:
        app.fault = app.fault or error
        return None
    finally:
        if app._driver is not None:
            app._driver.close()


def run_dashboard(root: Path, readonly: bool = False) -> int:
    """Show the dashboard until the user quits. Returns the exit code. Raises SimclrError without a terminal."""
    if not (is_served() or (is_terminal(sys.__stdin__) and is_terminal(sys.__stderr__))):
        raise SimclrError("the dashboard needs a terminal", "for a picture of it: simclr tui --snapshot F.svg")
    sys.setswitchinterval(_SWITCH)
    app = Dashboard(root, read_config(), readonly)
    if not is_served():
        _ask_terminal(app)
    words = _run(app)
    leave_if_gone()
    if app.fault is not None:
        print(record_crash(app.fault), file=sys.stderr)
        return ExitCode.FAILED
    if words:
        print(words)
    return app.return_code or ExitCode.OK
