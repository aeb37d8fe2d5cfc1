"""Asking the terminal what it is, through a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import termios
import threading
import time

import pytest

from simclr_tui.tui.terminal.capabilities import Answers, ask


@pytest.fixture
def terminal():
    master, slave = pty.openpty()
    yield master, slave
    os.close(master)
    os.close(slave)


def answered(terminal, answer, patience=5.0):
    """What is understood of a terminal that gives this answer to all three questions."""
    master, slave = terminal
    asked = b""

    def reply():
        nonlocal asked
        while not asked.endswith(b"\x1b[c"):
            asked += os.read(master, 100)
        for place in range(0, len(answer), 7):  # as it comes over a slow line
            os.write(master, answer[place : place + 7])

    thread = threading.Thread(target=reply)
    thread.start()
    found = ask(slave, slave, patience)
    thread.join()
    return found


@pytest.mark.parametrize(
    ("answer", "found", "pictures"),
    [
        (b"\x1b[?62;22c", Answers(), ""),
        (b"\x1b[?62;4;22c", Answers(sixel=True), "sixel"),
        (b"\x1b[?64c", Answers(), ""),
        (b"\x1bP>|foot(1.16.2)\x1b\\\x1b[?62;4;22c", Answers(name="foot(1.16.2)", sixel=True), "sixel"),
        (b"\x1bP>|kitty(0.35.2)\x1b\\\x1b[?62;c", Answers(name="kitty(0.35.2)"), "kitty"),
        (b"\x1bP>|ghostty 1.1.0\x1b\\\x1b[?62;22c", Answers(name="ghostty 1.1.0"), "kitty"),
        (b"\x1b[6;18;9t\x1b[?62;4c", Answers(sixel=True, cell=(9, 18)), "sixel"),
        (b"\x1b]11;rgb:0000/2b2b/3636\x1b\\\x1b[?1;2c", Answers(light=False), ""),
        (b"\x1b]11;rgb:ff/ff/ff\x07\x1b[?1;2c", Answers(light=True), ""),
        (b"\x1b]11;rgba:fdfd/f6f6/e3e3/ffff\x07\x1b[?1;2c", Answers(light=True), ""),
    ],
)
def test_what_terminals_say_is_understood(terminal, answer, found, pictures):
    assert answered(terminal, answer) == found
    assert found.pictures == pictures


def test_the_terminal_is_left_as_it_was(terminal):
    before = termios.tcgetattr(terminal[1])
    answered(terminal, b"\x1b[?62c")
    assert termios.tcgetattr(terminal[1]) == before


def test_a_silent_terminal_is_not_waited_for_long(terminal):
    began = time.monotonic()
    assert ask(terminal[1], terminal[1], patience=0.05) == Answers()
    assert time.monotonic() - began < 5


def test_what_is_no_terminal_has_no_answers():
    into, out = os.pipe()
    assert ask(into, out) == Answers()
    os.close(into)
    os.close(out)


@pytest.mark.parametrize(("features", "pictures"), [("RGB,sixel,title", "sixel"), ("RGB,title", "")])
def test_in_tmux_the_terminal_around_it_has_to_draw_them_too(tmp_path, monkeypatch, features, pictures):
    tmux = tmp_path / "tmux"
    tmux.write_text(f'#!/bin/sh\n[ "$3" = "#{{client_termfeatures}}" ] && echo {features}\n')
    tmux.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert Answers(name="tmux 3.4", sixel=True).pictures == pictures
