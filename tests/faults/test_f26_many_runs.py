"""F26: of ten thousand runs a window is drawn, and keys are answered while they are indexed; docs/control-plane.md
has what it takes."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from simclr_tui.bench.fabric import make_store
from tests.tui.real_terminal import modes_left

PROMISED = 150_000_000  # bytes of memory for ten thousand runs
DOWN, HOME, END = "\x1b[B", "\x1b[H", "\x1b[F"
GATE_AT = 20  # runs that are listed before the index has to wait for the test

# The index takes one run a turn until the gate, which nobody passes before the test opens it; what is drawn is noted.
BEFORE = """
import json, time
from simclr_tui.catalog import catalog
from simclr_tui.tui.feed import feed
from simclr_tui.tui.runs import run_list
place = Path({place!r})
indexed, drawn, budget, make_row, run_line = [], set(), feed._LISTING_BUDGET, catalog.make_row, run_list.run_line
feed._LISTING_BUDGET = 0
def indexes(run, fingerprint):
    indexed.append(run.name)
    while len(indexed) >= {gate_at} and not (place / "gate").exists():
        time.sleep(0.01)
    if len(indexed) >= {gate_at}:
        feed._LISTING_BUDGET = budget
    return make_row(run, fingerprint)
def draws(row, *options, **words):
    drawn.add(row["name"])
    return run_line(row, *options, **words)
def leaves(self, *words, leave=app.Dashboard.exit):
    widgets = sum(1 for screen in self.screen_stack for _ in screen.query("*"))
    told = dict(indexed=len(indexed), drawn=len(drawn), widgets=widgets, strips=self.main.runs.size.height)
    (place / "told.json").write_text(json.dumps(told))
    leave(self, *words)
catalog.make_row, run_list.run_line, app.Dashboard.exit = indexes, draws, leaves
"""


@pytest.mark.timeout(900)
def test_a_window_is_drawn_and_keys_are_answered_while_the_rest_is_indexed(tmp_path, open_terminal, fault, full_faults):
    runs = fault("F26", 10_000, "runs listed by the dashboard, its keys answered before all of them were indexed")
    make_store(tmp_path / "runs", runs)
    terminal = open_terminal(before=BEFORE.format(place=str(tmp_path), gate_at=GATE_AT))
    terminal.until(lambda: f"Runs {GATE_AT - 1} " in terminal.text)

    terminal.until(lambda: under_cursor(terminal) == f"run{GATE_AT - 1}")
    for number in range(GATE_AT - 2, 8, -1):
        terminal.type(DOWN)
        terminal.until(lambda name=f"run{number}": under_cursor(terminal) == name)
    terminal.type("?")
    terminal.until(lambda: "Evaluate the encoder" in terminal.text)
    terminal.type("\x1b")
    terminal.until(lambda: f"Runs {GATE_AT - 1} " in terminal.text)

    # Nothing more has been indexed until here: keys did not wait for it.
    (tmp_path / "gate").touch()
    terminal.until(lambda: f"Runs {runs:,} " in terminal.text, timeout=300)
    terminal.until(lambda: told_of(terminal) == under_cursor(terminal) == "run9")
    for keys, name in ((HOME, f"run{runs}"), (END, "run1"), (HOME, f"run{runs}")):
        terminal.type(keys)
        terminal.until(lambda now=name: told_of(terminal) == under_cursor(terminal) == now)
    peak = peak_memory(terminal.process.pid)
    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.restored, modes_left(terminal.output)

    told = json.loads((tmp_path / "told.json").read_text())
    assert told["indexed"] == runs
    assert told["drawn"] <= 6 * told["strips"]  # of every place that was looked at, as many as there are lines
    assert told["widgets"] < 200
    if full_faults:
        assert peak < PROMISED


def told_of(terminal):
    """The run that the head tells of: what was read of it is on the screen."""
    head = re.search(r"╭─ (run\d+) ─.*\n.*epoch", terminal.text)
    return head[1] if head else ""


def under_cursor(terminal):
    """The run whose line, or two where it failed, has another ground than the others."""
    grounds = {y: terminal.screen.buffer[y][4].bg for y in range(3, terminal.screen.lines - 2)}
    common, _ = Counter(grounds.values()).most_common(1)[0]
    lines = [terminal.screen.display[y] for y, ground in grounds.items() if ground != common]
    return lines[0].split()[2] if 1 <= len(lines) <= 2 and len(lines[0].split()) > 2 else ""


def peak_memory(pid):
    """Bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
