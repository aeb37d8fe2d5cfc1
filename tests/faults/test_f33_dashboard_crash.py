"""F33: whatever goes wrong inside the dashboard, wherever, the terminal is as it was, and one line tells of a file."""

from __future__ import annotations

import re

import pytest

from tests.tui.real_terminal import modes_left
from tests.tui.runs_fabric import fabricate

DIVIDED = "ZeroDivisionError('division by zero')"
# What is replaced by something that fails, the keys that lead there, and how it fails.
CRASHES = [
    ("app.Feed._list", "", DIVIDED),  # in the thread that reads the store
    ("app.MainScreen.show_work", "", DIVIDED),  # in a timer
    ("RunsPane.choose_order", "o", DIVIDED),  # in what a key does
    ("RunList.render_line", "", DIVIDED),  # while it draws
    ("app.Dashboard.on_unmount", "q", DIVIDED),  # while it leaves
    ("TerminalDriver.run_input_thread", "", DIVIDED),  # in the thread that reads the keys
    ("RunsPane.choose_order", "o", "SelfDrawn('an error that draws itself, and cannot')"),
    ("ImagesController._compute", "5", DIVIDED),  # in a thread for one piece of work
    ("app.MainScreen.compose", "", DIVIDED),
    ("app.MainScreen.on_mount", "", DIVIDED),
    ("app.Dashboard.on_mount", "", DIVIDED),
    ("app.Dashboard.on_dashboard_fed", "", DIVIDED),
    ("app.Dashboard.action_help", "?", DIVIDED),
    ("slurm_watch.refresh", "", DIVIDED),
    ("app.Feed._read", "", DIVIDED),
    ("app.Feed._sample", "", DIVIDED),
    ("app.Feed._turn", "", "MemoryError()"),
    ("app.Feed.ask", "", DIVIDED),
    ("app.MainScreen.take", "", DIVIDED),
    ("ChartsController.request", "", DIVIDED),
    ("app.MainScreen.check_action", "", DIVIDED),
    ("RunsPane.mark", " ", "RecursionError('maximum recursion depth exceeded')"),
    ("app.Dashboard.run_action", "n", "UnicodeDecodeError('utf-8', b'\\xff', 0, 1, 'invalid start byte')"),
    ("app.MainScreen._back", "\x1b", "KeyError('[/]')"),
    ("RunsPane.start_filter", "/", "RuntimeError('\\x1b]0;title\\x07 two\\nlines [link=x]')"),
    ("app.Help.compose", "?", DIVIDED),
    ("NewRun.compose", "n", DIVIDED),
    ("StatusLine.show", "", DIVIDED),
    ("Chart._draw", "", DIVIDED),
    ("Header.show_machine", "", DIVIDED),
    ("app.Dashboard._tell_news", "", "AssertionError()"),
]
BEFORE = """
from simclr_tui.tui.feed import slurm_watch
from simclr_tui.tui.terminal.driver import TerminalDriver
from simclr_tui.tui.charts.chart import Chart
from simclr_tui.tui.charts.controller import ChartsController
from simclr_tui.tui.form.new_run import NewRun
from simclr_tui.tui.images.controller import ImagesController
from simclr_tui.tui.runs.header import Header
from simclr_tui.tui.runs.run_list import RunList
from simclr_tui.tui.runs.runs_pane import RunsPane
from simclr_tui.tui.runs.status_line import StatusLine
class SelfDrawn(Exception):
    def __rich__(self):
        raise ValueError("cannot")
def broken(*_, **__):
    raise {error}
{place} = broken
"""
_CONTROLS = re.compile(r"\x1b(\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|\][^\x07]*\x07)")


@pytest.mark.timeout(1200)
def test_a_crash_anywhere_leaves_the_terminal_as_it_was_and_a_traceback_in_a_file(tmp_path, open_terminal, fault):
    fabricate(tmp_path / "runs", steps=60, image_size=16)
    for place, keys, error in CRASHES[: fault("F33", len(CRASHES), "crashes, each at another place", few=6)]:
        terminal = open_terminal(before=BEFORE.format(place=place, error=error))
        if keys:
            terminal.until(lambda now=terminal: "loss NT-Xent" in now.text)
            terminal.type(keys)
        assert terminal.ended() == 1, place
        assert terminal.restored, (place, modes_left(terminal.output))
        (line,) = said(terminal)
        assert line.startswith(f"the dashboard failed ({error.partition('(')[0]}"), line
        (file,) = (tmp_path / "state" / "simclr-tui").iterdir()
        assert line.endswith(f"the traceback is in {file}")
        assert ", in broken\n" in file.read_text()
        file.unlink()
        terminal.close()


def said(terminal):
    """The lines that stand on the terminal after the dashboard has left it."""
    after = terminal.output.rpartition(b"\x1b[?1049l")[2].decode()
    return [line for line in _CONTROLS.sub("", after).splitlines() if line.strip()]
