"""F33: Ctrl-Z gives the terminal to the shell and `fg` takes it again; Ctrl-C twice is no worse than once."""

from __future__ import annotations

import itertools
import os
import random
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.tui.real_terminal import modes_left
from tests.tui.runs_fabric import fabricate

SHELL = (sys.executable, str(Path(__file__).parents[1] / "tui" / "shell.py"))
WRAPPED = (*SHELL, "/bin/sh", "-c", '"$@"; exit $?', "sh")
BUSY = """
def work():
    import time
    Path(sys.argv[1]).with_name("busy").touch()
    time.sleep(600)
app.Dashboard.action_help = lambda self: self.run_worker(work, thread=True)
"""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("shell", [SHELL, WRAPPED], ids=["job", "wrapped"])
def test_a_shell_gets_the_terminal_as_it_was_and_fg_draws_the_screen_whole(tmp_path, open_terminal, fault, shell):
    fabricate(tmp_path / "runs", steps=60)
    terminal = open_terminal(shell=shell)
    terminal.until(lambda: drawn(terminal))
    ways = itertools.cycle([press_ctrl_z, tell_to_stop, stop_unheard])
    times = fault("F33", 15, "stops by Ctrl-Z, SIGTSTP or SIGSTOP and fg, half of them with a wrapper around it", few=3)
    for number, way in zip(range(times), ways, strict=False):
        before, begin = terminal.still(), len(terminal.output)
        way(terminal)
        told = stopped(terminal, begin)
        if way is not stop_unheard:
            assert told == ("SIGTSTP", "as it was")
            assert not modes_left(terminal.output)
            if number % 2 == 0:
                begin = len(terminal.output)
                terminal.type("bg\n")  # a job that wants the terminal is stopped again until it is given it
                assert stopped(terminal, begin) == ("SIGTTOU", "as it was")
                assert not modes_left(terminal.output)
        terminal.screen.reset()
        terminal.type("fg\n")
        terminal.until(lambda now=before: terminal.screen.display[1:] == now)
    terminal.type("q")
    terminal.ended()
    assert b"[ended 0, terminal as it was]" in terminal.output
    assert terminal.restored, modes_left(terminal.output)


def test_where_no_shell_could_let_it_go_on_it_does_not_stop(tmp_path, open_terminal, fault):
    fabricate(tmp_path / "runs", steps=60)
    terminal = open_terminal()
    terminal.until(lambda: drawn(terminal))
    for _ in range(fault("F33", 10, "presses of Ctrl-Z where no shell is behind it", few=2)):
        before, begin = terminal.still(), len(terminal.output)
        terminal.screen.reset()
        terminal.type("\x1a")
        terminal.until(lambda since=begin: b"\x1b[?1049l" in terminal.output[since:])
        terminal.until(lambda now=before: terminal.screen.display[1:] == now)
    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.restored, modes_left(terminal.output)


@pytest.mark.timeout(900)
def test_ctrl_c_twice_at_any_moment_ends_it_with_the_terminal_as_it_was(tmp_path, open_terminal, fault):
    fabricate(tmp_path / "runs", steps=60)
    draw = random.Random(33)
    for _ in range(fault("F33", 30, "times Ctrl-C twice, while it starts, shows and leaves", 33, few=3)):
        terminal = open_terminal(command=("-m", "simclr_tui.cli.main", "tui", "--runs", str(tmp_path / "runs")))
        terminal.until(lambda now=terminal: now.output)
        for moment in (draw.uniform(0, 3), draw.choice([0, draw.uniform(0, 0.5)])):
            until = time.monotonic() + moment
            while time.monotonic() < until:
                terminal.read(max(0, until - time.monotonic()))
            terminal.type("\x03")
        assert terminal.ended() in (0, 130, -signal.SIGINT), terminal.output[-2000:]
        assert terminal.restored, modes_left(terminal.output)
        assert b"Traceback" not in terminal.output
        terminal.close()


def test_ctrl_c_once_more_does_not_wait_for_work_that_does_not_end(tmp_path, open_terminal):
    terminal = open_terminal(before=BUSY)
    terminal.until(lambda: "No runs here yet" in terminal.text)
    terminal.type("?")
    terminal.until((tmp_path / "busy").exists)
    terminal.type("\x03")
    terminal.until(lambda: terminal.restored)
    terminal.type("\x03")
    assert terminal.ended() == 130
    assert b"Traceback" not in terminal.output


def drawn(terminal):
    return "loss NT-Xent" in terminal.text and "? keys" in terminal.screen.display[-1]


def press_ctrl_z(terminal):
    terminal.type("\x1a")


def tell_to_stop(terminal):
    """The dashboard alone: a wrapper that is told too stops before the terminal can be given back."""
    children = Path(f"/proc/{(job := os.tcgetpgrp(terminal.master))}/task/{job}/children").read_text().split()
    os.kill(int(children[0]) if children else job, signal.SIGTSTP)


def stop_unheard(terminal):
    os.killpg(os.tcgetpgrp(terminal.master), signal.SIGSTOP)


def stopped(terminal, begin):
    """(signal, state of the terminal) as the shell tells of its job, after `begin` of the output."""
    sought = re.compile(rb"\[stopped (\w+), terminal ([\w ]+)\]")
    terminal.until(lambda: sought.search(terminal.output, begin))
    return tuple(word.decode() for word in sought.search(terminal.output, begin).groups())
