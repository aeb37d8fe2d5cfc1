"""The end of a log, as a terminal would have shown it."""

from __future__ import annotations

import pytest

from simclr_tui.store.log_tail import fold, tail_lines


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain", "plain"),
        ("10%\r50%\r100%", "100%"),
        ("100%\r", "100%"),
        ("\x1b[31mred\x1b[0m \x1b[1;2Hx", "red x"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("bell\x07 null\x00", "bell␇ null␀"),
        ("", ""),
    ],
)
def test_fold(line, shown):
    assert fold(line) == shown


def test_only_whole_lines_of_the_end_are_given(tmp_path):
    log = tmp_path / "output.log"
    log.write_text("".join(f"line {number}\n" for number in range(1000)) + "no newline yet")
    lines = tail_lines(log, 100)
    assert lines[-1] == "no newline yet"
    assert lines[-2] == "line 999"
    assert all(line.startswith("line 9") for line in lines[:-1])
    assert len(tail_lines(log)) == 1001


def test_one_endless_line_is_cut_and_a_missing_log_is_empty(tmp_path):
    log = tmp_path / "output.log"
    log.write_bytes(b"x" * 1_000_000)
    (line,) = tail_lines(log)
    assert 1000 < len(line) < 10_000
    assert tail_lines(tmp_path / "none") == []
    log.write_bytes(b"\xff\xfe broken \xc3\n")
    assert len(tail_lines(log)) == 1
