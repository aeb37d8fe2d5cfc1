"""Keys typed faster than the screen answers each act in order; answers of the terminal that come late do not act."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time

import pytest

from simclr_tui.store.run import Run
from tests.tui.runs_fabric import fabricate

SPIN = "import time\nend = time.monotonic() + 120\nwhile time.monotonic() < end: pass"


@contextlib.contextmanager
def busy_machine():
    """Both cores have something else to do."""
    busy = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(2)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.fixture
def root(tmp_path):
    for number, name in enumerate(("base", "other", "third")):
        fabricate(tmp_path / "runs", name, steps=40, temp=0.1 + number / 10, tags=["dcl"])
    return tmp_path / "runs"


def test_keys_typed_at_once_reach_what_the_keys_before_them_opened(root, open_terminal):
    terminal = open_terminal(root)
    terminal.until(lambda: "third" in terminal.text)
    with busy_machine():
        # A sort, a group, columns, a filter, a tag and a note, without waiting once; every letter is a key elsewhere.
        terminal.type("oname\rgtags\rC\x15bs, temp\r/base\rt+tww\rNqkds 1e9\rp")
        terminal.until(lambda: Run(root / "base").info.note == "qkds 1e9", 120)
        assert Run(root / "base").info.tags == ["dcl", "tww"]
        terminal.until(lambda: "name, " in terminal.text and "by tags" in terminal.text)
        terminal.until(lambda: "⌃base" in terminal.text)
        for name in ("other", "third"):
            assert Run(root / name).info.tags == ["dcl"]
    terminal.type("q")
    assert terminal.ended() == 0


def test_answers_that_come_late_and_torn_act_on_nothing(root, open_terminal):
    terminal = open_terminal(root, answer="")
    terminal.until(lambda: "third" in terminal.text)
    terminal.still(0.3)
    before = terminal.still(0.5)
    for answer in ("\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\", "\x1bP>|foot(1.16.2)\x1b\\", "\x1b[6;21;9t", "\x1b[?62;4c"):
        for cut in (2, 4, len(answer) - 1):
            terminal.type(answer[:cut])
            began = time.monotonic()
            terminal.until(lambda began=began: time.monotonic() - began > 0.15)  # a slow line
            terminal.type(answer[cut:])
    assert terminal.still(0.5) == before
    terminal.type("j")
    terminal.until(lambda: terminal.screen.display != before)
    terminal.type("q")
    assert terminal.ended() == 0


def test_what_was_typed_before_the_screen_stood_is_not_lost(root, open_terminal):
    terminal = open_terminal(root)
    terminal.until(lambda: b"\x1b[c" in terminal.output)
    terminal.type("/other\r")
    terminal.until(lambda: "Runs 1 of 3 / other" in terminal.text)
