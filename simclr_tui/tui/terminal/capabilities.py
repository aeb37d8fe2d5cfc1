"""Query the terminal once before the dashboard draws: its background, its name, its graphics."""

from __future__ import annotations

import os
import re
import select
import subprocess
import termios
import time
import tty
from dataclasses import dataclass, field
from typing import Literal

# Background, name, pixels per cell, attributes; every terminal answers the last query, and answers it last.
_QUESTIONS = b"\x1b]11;?\x1b\\\x1b[>0q\x1b[16t\x1b[c"
_LAST = re.compile(rb"\x1b\[\?([\d;]*)c")
_NAME = re.compile(rb"\x1bP>\|([\x20-\x7e]*)\x1b\\")
_GROUND = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)")
_CELL = re.compile(rb"\x1b\[6;(\d{1,3});(\d{1,3})t")
_ANY = re.compile(  # any answer; a partial one is left to the next reader
    rb"\x1b\]11;[^\x07\x1b]*(?:\x07|\x1b\\)|\x1bP>\|[^\x1b]*\x1b\\|\x1b\[6;\d+;\d+t|\x1b\[\?[\d;]*c"
)
_SIXEL = b"4"  # in the list of attributes
_PATIENCE = 1.0  # seconds to wait for the answers
_KITTY = ("kitty", "ghostty")  # they place pictures by characters, as textual-image needs

Protocol = Literal["", "kitty", "sixel"]


@dataclass(frozen=True)
class Answers:
    """Hold the terminal's answers.

    `light` is None where the background is unknown; `cell` is the (width, height) of a cell in pixels. `whole` is False
    while an answer may still come; `typed` holds the keys pressed meanwhile.
    """

    light: bool | None = None
    name: str = ""
    sixel: bool = False
    cell: tuple[int, int] = (10, 20)  # the first sixel terminal's
    whole: bool = field(default=False, compare=False)
    typed: bytes = field(default=b"", compare=False)

    @property
    def pictures(self) -> Protocol:
        """Return how the terminal draws pictures; empty if it draws only characters."""
        if self.name.lower().startswith(_KITTY):
            return "kitty"
        return "sixel" if self.sixel and _passed_on(self.name) else ""


def ask(into: int, out: int, patience: float = _PATIENCE) -> Answers:
    """Query the terminal read from descriptor `into` and written to `out`. A silent one gives no answers.

    Keys typed meanwhile are returned with the answers.
    """
    try:
        before = termios.tcgetattr(into)
        tty.setraw(into, termios.TCSANOW)
    except termios.error:
        return Answers()
    try:
        os.write(out, _QUESTIONS)
        return _understood(_read(into, patience))
    except OSError:
        return Answers()
    finally:
        termios.tcsetattr(into, termios.TCSANOW, before)


def _read(into: int, patience: float) -> bytes:
    answers, deadline = b"", time.monotonic() + patience
    while not _LAST.search(answers) and (left := deadline - time.monotonic()) > 0:
        if select.select([into], [], [], left)[0]:
            more = os.read(into, 1024)
            if not more:
                break
            answers += more
    return answers


def _understood(answers: bytes) -> Answers:
    last, name, ground, cell = (sought.search(answers) for sought in (_LAST, _NAME, _GROUND, _CELL))
    return Answers(
        light=None if ground is None else _is_light([part.decode() for part in ground.groups()]),
        name=name[1].decode() if name else "",
        sixel=last is not None and _SIXEL in last[1].split(b";"),
        cell=(max(1, int(cell[2])), max(1, int(cell[1]))) if cell else Answers.cell,
        whole=last is not None,
        typed=_ANY.sub(b"", answers),
    )


def _is_light(parts: list[str]) -> bool:
    """Return True for a light colour by its luma; each channel may have any number of hex digits."""
    red, green, blue = (int(part, 16) / int("f" * len(part), 16) for part in parts)
    return 0.299 * red + 0.587 * green + 0.114 * blue > 0.5


def _passed_on(name: str) -> bool:
    """Return False if tmux, which answers for its own build, reports that the terminal around it draws no sixels."""
    if not name.lower().startswith("tmux"):
        return True
    question = ["tmux", "display-message", "-p", "#{client_termfeatures}"]
    try:
        answer = subprocess.run(question, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return "sixel" in answer.stdout.strip().split(",")
