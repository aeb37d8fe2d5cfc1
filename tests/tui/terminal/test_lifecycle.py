"""The dashboard as a real process in a real terminal: drawn, resized, hung up, crashed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from simclr_tui.store.state import write_state
from tests.tui.real_terminal import modes_left
from tests.tui.runs_fabric import fabricate, make_state, write_metrics


def test_it_draws_follows_a_run_and_quits(tmp_path, open_terminal):
    run = fabricate(tmp_path / "runs", "run1", "running", 100, 0.2)
    terminal = open_terminal()
    terminal.until(lambda: "step 20/100" in terminal.text and "loss NT-Xent" in terminal.text)
    summary = write_metrics(run, 20, 70, 100)
    write_state(run.paths, make_state("running", 70, 100, summary))
    terminal.until(lambda: "step 70/100" in terminal.text)
    terminal.resize(80, 24)
    terminal.until(lambda: "step 70/100" in terminal.screen.display[22] and "? keys" in terminal.screen.display[23])
    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.restored, modes_left(terminal.output)
    assert b"1 run is still going" in terminal.output


@pytest.mark.timeout(1200)
def test_a_terminal_that_hangs_up_ends_it_with_129(tmp_path, open_terminal, fault):
    fabricate(tmp_path / "runs", steps=20)
    for _ in range(fault("F5", 50, "hang-ups of the dashboard's terminal", few=1)):
        terminal = open_terminal()
        terminal.until(lambda now=terminal: "run1" in now.text)
        terminal.hang_up()
        assert terminal.process.wait(60) == 129


def test_a_terminal_that_goes_without_a_signal_ends_it_with_129(tmp_path, open_terminal):
    fabricate(tmp_path / "runs", steps=20)
    unheard = "import signal; app.on_signals = lambda *_: signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    terminal = open_terminal(before=unheard)
    terminal.until(lambda: "run1" in terminal.text)
    terminal.hang_up()
    assert terminal.process.wait(60) == 129


@pytest.mark.parametrize(("number", "code"), [(signal.SIGHUP, 129), (signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_end_it_with_the_terminal_restored(tmp_path, open_terminal, number, code):
    terminal = open_terminal()
    terminal.until(lambda: "No runs here yet" in terminal.text)
    terminal.process.send_signal(number)
    assert terminal.ended() == code
    assert terminal.restored, modes_left(terminal.output)


HELD = """
import time
from simclr_tui.tui.terminal.driver import TerminalDriver
restore = TerminalDriver.stop_application_mode
def hold(self):
    restore(self)
    while not Path(sys.argv[1]).with_name("typed").exists():
        time.sleep(0.01)
TerminalDriver.stop_application_mode = hold
"""


def test_what_is_typed_once_the_terminal_is_restored_is_the_shells(tmp_path, open_terminal):
    terminal = open_terminal(before=HELD)
    terminal.until(lambda: "No runs here yet" in terminal.text)
    terminal.type("q")
    terminal.until(lambda: terminal.restored)
    terminal.type("ls\n")
    terminal.until(lambda: terminal.output.endswith(b"ls\r\n"))  # echoed, so the kernel has it
    (tmp_path / "typed").touch()
    assert terminal.ended() == 0
    os.set_blocking(terminal.slave, False)
    assert os.read(terminal.slave, 100) == b"ls\n"


def test_a_locale_that_is_not_utf8_gets_ascii(tmp_path, open_terminal):
    fabricate(tmp_path / "runs", "run1", "running", 100, 0.5)
    terminal = open_terminal(LANG="C", LC_ALL="C")
    terminal.until(lambda: "step 50/100" in terminal.text and "loss NT-Xent" in terminal.text)
    terminal.type("3")
    terminal.until(lambda: "what happened" in terminal.text)
    assert terminal.output.isascii()
    assert "* run1" in terminal.text


@pytest.mark.parametrize(("ground", "light"), [("0;15", True), ("15;0", False), ("", False)])
def test_the_theme_follows_the_ground_of_the_terminal(tmp_path, open_terminal, ground, light):
    fabricate(tmp_path / "runs", "run1", steps=60)
    terminal = open_terminal(COLORFGBG=ground, COLORTERM="truecolor")
    terminal.until(lambda: "loss NT-Xent" in terminal.text)
    ground = terminal.screen.buffer[20][60].bg
    assert (int(ground[:2], 16) > 128) == light, ground


def test_the_theme_follows_what_the_terminal_says_of_its_ground(tmp_path, open_terminal):
    fabricate(tmp_path / "runs", "run1", steps=60)
    told = "\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\\x1b[?62c"
    terminal = open_terminal(COLORFGBG="15;0", COLORTERM="truecolor", answer=told)
    terminal.until(lambda: "loss NT-Xent" in terminal.text)
    assert int(terminal.screen.buffer[20][60].bg[:2], 16) > 128


def test_without_colour_nothing_is_coloured_and_lines_are_told_apart(tmp_path, open_terminal):
    for name in ("run1", "run2"):
        fabricate(tmp_path / "runs", name, steps=60)
    terminal = open_terminal(NO_COLOR="1")
    terminal.until(lambda: "run2" in terminal.text)
    terminal.type(" ")
    terminal.until(lambda: "1 marked" in terminal.text)
    terminal.type("j ")
    terminal.until(lambda: "a run" in terminal.text and "b run" in terminal.text)
    shades = {cell.fg for line in terminal.screen.buffer.values() for cell in line.values()}
    assert all(shade == "default" or len({shade[0:2], shade[2:4], shade[4:6]}) == 1 for shade in shades), shades


def test_without_a_terminal_it_says_so_in_a_sentence(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "simclr_tui.cli.main", "tui", "--runs", str(tmp_path)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "needs a terminal" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("answer", "pictures"),
    [
        ("\x1b[?62;4c", b'\x1bP0;0;0q"1;1;'),
        ("\x1bP>|kitty(0.35)\x1b\\\x1b[?62c", b"\x1b_G"),
        ("\x1b[?62c", "▀".encode()),
    ],
)
def test_views_are_drawn_in_pixels_where_the_terminal_can(tmp_path, open_terminal, answer, pictures):
    fabricate(tmp_path / "runs", "run1", steps=60, image_size=16)
    terminal = open_terminal(answer=answer)
    terminal.until(lambda: "run1" in terminal.text)
    terminal.type("5")
    terminal.until(lambda: "view 2" in terminal.text)
    terminal.until(lambda: pictures in terminal.output)
