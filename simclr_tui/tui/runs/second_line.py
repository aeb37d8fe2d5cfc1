"""The line under a run in the list: its progress, what went wrong, or what it waits for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from simclr_tui.catalog.row import Row
from simclr_tui.display.glyphs import draws_unicode
from simclr_tui.display.state_facts import FLAG_WORDS
from simclr_tui.store.state import ACTIVE, FLAGS
from simclr_tui.text import duration, safe

# Flags that matter more than the state, the worst first; a run that trains well on another host is no trouble.
_TROUBLES = tuple(flag for flag in FLAGS if flag != "elsewhere")
_BAR = 11


class Line(NamedTuple):
    """Hold a run's second line, and the kind of the run's state, which gives its colour.

    `beside` is what is left to say where the first line spells out state and progress; empty where that is nothing.
    """

    words: str
    kind: str
    beside: str


def worst_flag(row: Row) -> str:
    """Return the flag that matters most; empty where the run has none."""
    flags = str(row.get("flags") or "").split(",")
    return next((flag for flag in _TROUBLES if flag in flags), "")


def share_done(row: Row) -> float:
    """Return the fraction of its steps that a run has done, 0–1."""
    return min(1.0, (row.get("step") or 0) / row["steps"]) if row.get("steps") else 0.0


def seconds_left(row: Row) -> float | None:
    """Return the seconds a run will still train at its latest speed; None where that is unknown."""
    if row["state"] not in ACTIVE:
        return None
    speed = row.get("steps_per_s") or 0.0
    return (row["steps"] - (row.get("step") or 0)) / speed if speed > 0 else None


def bar(share: float, cells: int = _BAR) -> str:
    """Return a bar filled to a fraction (0–1)."""
    full = int(share * cells)
    return "━" * full + "─" * (cells - full) if draws_unicode() else "=" * full + "-" * (cells - full)


def clock_in(seconds: float) -> str:
    """Return the time of day `seconds` from now."""
    return time.strftime("%H:%M", time.localtime(time.time() + seconds))


def second_line(row: Row, waits: Mapping[str, str]) -> Line | None:
    """Return a run's second line; None for one that ended well. `waits` says what each queued run waits for."""
    if row["state"] == "finished" and not row.get("flags") and not row.get("error"):
        return None  # most rows, and a listing asks about every one
    state, flag = str(row["state"]), worst_flag(row)
    done = f"{min(99, int(100 * share_done(row)))}%" if row.get("steps") else ""
    at = f" at {done}" if done else ""
    if reason := safe(str(row.get("error") or (row.get("reason") if state == "failed" else "") or "")):
        return Line(reason, "failed", reason)
    if state == "failed":
        return Line(FLAG_WORDS.get(flag, "failed") + at, "failed", state if flag else "")
    if flag and state not in ACTIVE:
        ended = state != "finished"
        return Line(f"{FLAG_WORDS[flag]}, {state}{at if ended else ''}", "failed", state if ended else "")
    if state in ("lost", "stopped"):
        return Line(f"{state}{at} · r resumes it", "failed" if state == "lost" else "quiet", "r resumes it")
    if state == "queued":
        words = waits.get(row["name"], "waits for its turn")
        return Line(words, "quiet", words.partition(": ")[2] if row.get("place") and ": " in words else words)
    if state == "starting":
        return Line("starting", "running", "")
    if state == "running":
        progress, left = bar(share_done(row)), seconds_left(row)
        until_done = "" if left is None else f"  {duration(left)}"
        flagged = f"{FLAG_WORDS[flag]}  " if flag else ""
        words, beside = f"{flagged}{progress} {done}{until_done}", f"{progress}{until_done}{' left' if left else ''}"
        return Line(words, "failed" if flag else "running", beside)
    return None


def waiting_words(rows: Sequence[Row], paused: str, reasons: Mapping[str, str]) -> dict[str, str]:
    """Return what each queued run waits for and roughly how long. `reasons` holds the waits besides the queue."""
    queued = sorted((row for row in rows if row["state"] == "queued"), key=lambda row: row.get("place") or 1_000_000)
    ends = sorted(left for row in rows if (left := seconds_left(row)) is not None) if queued else []
    found: dict[str, str] = {}
    for index, row in enumerate(queued):
        place = row.get("place")
        where = "waits in Slurm's queue" if not place else "next" if place == 1 else f"no. {place}"
        if reason := reasons.get(row["name"], ""):
            found[row["name"]] = f"{where}: {reason}"
        elif paused and place:
            found[row["name"]] = f"{where}: the queue is paused (Q)"
        elif place:
            about = f", ~{duration(ends[index])}" if index < len(ends) else ""
            found[row["name"]] = f"{where}: waits for its turn{about}"
        else:
            found[row["name"]] = where
    return found
