"""What the second line of a run says, and what is left of it beside a state that is spelled out."""

from __future__ import annotations

import pytest

from simclr_tui.tui.runs.run_line import heading, lay_out
from simclr_tui.tui.runs.second_line import second_line

_HALF = {"name": "run", "step": 50, "steps": 100, "steps_per_s": 1.0}


@pytest.mark.parametrize(
    ("row", "words", "beside"),
    [
        ({"state": "stopped"}, "stopped at 50% · r resumes it", "r resumes it"),
        ({"state": "lost"}, "lost at 50% · r resumes it", "r resumes it"),
        ({"state": "failed", "reason": "no memory"}, "no memory", "no memory"),
        ({"state": "failed", "flags": "diverged"}, "diverged at 50%", "failed"),
        ({"state": "failed"}, "failed at 50%", ""),
        ({"state": "finished", "flags": "collapsed"}, "collapsed, finished", ""),
        ({"state": "stopped", "flags": "collapsed"}, "collapsed, stopped at 50%", "stopped"),
        ({"state": "starting"}, "starting", ""),
        ({"state": "running"}, "━━━━━────── 50%  50s", "━━━━━──────  50s left"),
        ({"state": "running", "steps_per_s": 0.0}, "━━━━━────── 50%", "━━━━━──────"),
        ({"state": "running", "flags": "stalled"}, "not responding  ━━━━━────── 50%  50s", "━━━━━──────  50s left"),
        ({"state": "queued", "place": 1}, "next: waits for GPU 1", "waits for GPU 1"),
        ({"state": "queued"}, "next: waits for GPU 1", "next: waits for GPU 1"),
    ],
)
def test_nothing_is_said_twice_where_the_first_line_spells_out_the_state(row, words, beside):
    line = second_line(_HALF | row, {"run": "next: waits for GPU 1"})
    assert (line.words, line.beside) == (words, beside)


@pytest.mark.parametrize("width", [40, 100])
def test_titles_are_whole_where_there_is_room_and_cut_before_a_column_is_lost(width):
    rows = [{"name": f"run{number}", "lr_scaling": "sqrt", "optimizer": "lars"} for number in range(2)]
    line = heading(lay_out(rows, 4, ("lr_scaling", "optimizer"), width=width)).plain
    assert ("lr_scaling" in line, "optimizer" in line) == (True, True)
    short = heading(lay_out(rows, 4, ("lr_scaling", "optimizer"), width=32)).plain
    assert ("lr_scal…" in short, "optimiz…" in short) == (True, True)
