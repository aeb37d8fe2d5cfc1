"""F25: a terminal of any size, resized at any time, without UTF-8 or colour: shown as far as there is room."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from tests.tui.real_terminal import modes_left
from tests.tui.runs_fabric import fabricate

# The corners first; the others are drawn.
SIZES = [
    (1, 1), (400, 100), (40, 12), (19, 30), (20, 5), (200, 4), (20, 4), (19, 5), (1, 100), (400, 1), (400, 5),
    (20, 100),
]  # fmt: skip
PLAIN = {"LANG": "C", "LC_ALL": "POSIX", "NO_COLOR": "1"}


def sizes(count):
    draw = random.Random(25)
    return (SIZES + [(draw.randint(1, 400), draw.randint(1, 100)) for _ in range(count)])[:count]


@pytest.fixture
def store(tmp_path):
    for number in range(1, 4):
        fabricate(tmp_path / "runs", f"run{number}", steps=60)
    return tmp_path / "runs"


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("env", [{}, PLAIN], ids=["utf-8", "posix"])
def test_it_is_drawn_as_far_as_there_is_room_or_says_that_it_is_too_small(store, open_terminal, fault, env):
    terminal = open_terminal(store, size=(80, 24), **env)
    terminal.until(lambda: is_whole(terminal))
    for columns, lines in sizes(
        fault("F25", 40, "sizes from 1×1 to 400×100, with UTF-8 and colour and without", 25, few=4)
    ):
        terminal.resize(columns, lines)
        terminal.until(lambda now=(columns, lines): is_as_it_should_be(terminal, *now))
        terminal.type("jk")  # keys are taken in every size
    terminal.resize(80, 24)
    terminal.until(lambda: is_whole(terminal))
    if env:
        assert terminal.output.isascii()
        colours = {cell.fg for line in terminal.screen.buffer.values() for cell in line.values()}
        assert all(len({fg[0:2], fg[2:4], fg[4:6]}) == 1 for fg in colours if fg != "default"), colours
    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.restored, modes_left(terminal.output)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("env", [{}, PLAIN], ids=["utf-8", "posix"])
def test_after_a_storm_of_sizes_it_is_drawn_whole(store, open_terminal, fault, env):
    draw = random.Random(26)
    terminal = open_terminal(store, size=(80, 24), **env)
    terminal.until(lambda: is_whole(terminal))
    for _ in range(fault("F25", 1000, "resizes one after the other", 26, few=40)):
        terminal.resize(draw.randint(1, 400), draw.randint(1, 100))
        terminal.read(draw.uniform(0, 0.03))
    terminal.resize(80, 24)
    terminal.screen.reset()  # what is on it now must be drawn anew, whatever was there
    terminal.until(lambda: is_whole(terminal))
    terminal.type("q")
    assert terminal.ended() == 0
    assert terminal.restored, modes_left(terminal.output)


@pytest.mark.timeout(1200)
def test_of_sizes_told_at_once_the_last_is_drawn(store, open_terminal, fault):
    draw = random.Random(27)
    terminal = open_terminal(store, size=(80, 24))
    terminal.until(lambda: is_whole(terminal))
    for _ in range(fault("F25", 200, "times smaller and as large again, with no pause between", 27, few=20)):
        terminal.resize(draw.randint(1, 79), draw.randint(1, 23))
        terminal.read(draw.choice([0, 0, draw.uniform(0, 0.01)]))
        terminal.resize(80, 24)
        terminal.screen.reset()  # as a terminal that keeps nothing of what it cuts off
        terminal.until(lambda: is_whole(terminal))
    terminal.type("q")
    assert terminal.ended() == 0


def test_a_terminal_that_draws_nothing_gets_a_sentence(store, open_terminal):
    terminal = open_terminal(command=("-m", "simclr_tui.cli.main", "tui", "--runs", str(store)), TERM="dumb")
    assert terminal.ended() == 1
    assert terminal.restored
    assert b"\x1b" not in terminal.output
    assert b"needs a terminal" in terminal.output
    listed = subprocess.run(
        [sys.executable, "-m", "simclr_tui.cli.main", "ls", "--runs", str(store)],
        capture_output=True, check=True, env={"TERM": "dumb", "PATH": "/usr/bin:/bin", **PLAIN},
    )  # fmt: skip
    assert b"run3" in listed.stdout


def is_whole(terminal):
    """All of a small terminal: the list with every run, the state of the one under the cursor, the keys."""
    lines = terminal.screen.display
    return all(f" run{number} " in terminal.text for number in (1, 2, 3)) and (
        "step 60/60" in lines[-2] and "? keys" in lines[-1] and "simclr" in lines[0]
    )


def is_as_it_should_be(terminal, columns, lines):
    text = terminal.text
    if columns < 20 or lines < 5:
        return (columns < 15 or "too small" in " ".join(text.split())) and "run1" not in text
    # Two lines of the list show two of the three runs: those around the cursor, which the keys have moved.
    panes = [any(f"run{number}" in text for number in (1, 2, 3)), "loss NT-Xent" in text]
    return any(panes) and (columns > 100 or panes != [True, True])
