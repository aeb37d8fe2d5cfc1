"""How far a look at many images has come: a bar in a terminal, a line for every tenth in a log."""

from __future__ import annotations

import sys

from simclr_tui.train.data.progress_line import ProgressLine


def test_a_terminal_has_one_bar_that_fills(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    line = ProgressLine()
    for done in range(5):
        line("reading", done, 4)
    drawn = capsys.readouterr().err
    assert drawn.count("\n") == 1, "it ends when all is done"
    filled = [part.count("█") for part in drawn.split("\r")[1:]]
    width = filled[-1]
    assert filled == [0, width // 4, width // 2, width * 3 // 4, width]
    assert [part.strip()[-4:].strip() for part in drawn.split("\r")[1:]] == ["0%", "25%", "50%", "75%", "100%"]


def test_a_log_has_a_line_for_every_tenth_of_each_part(capsys):
    line = ProgressLine()
    for what in ("looking", "decoding"):
        for done in range(1001):
            line(what, done, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"{what}: {tenth}0%".replace(": 00%", ": 0%") for what in ("looking", "decoding") for tenth in range(11)
    ]
