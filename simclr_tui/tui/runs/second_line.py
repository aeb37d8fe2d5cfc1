"""The line under a run in the list: its progress, what went wrong, or what it waits for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from simclr_tui.catalog.row import Row
from simclr_tui.display.glyphs import draws_unicode
from simclr_tui.display.state_facts import FLAG_WORDS
from simclr_tui.store.state import ACTIVE, FLAGS
from simclr_tui.text import duration, safe

# Flags that matter more than the state, the worst first; a run that trains well on another host is no trouble.
_TROUBLES = tuple(flag for flag in FLAGS if flag != "elsewhere")
_BAR = 11

Line = tuple[str, str]
"""Words, and the kind of the run's state, which gives their colour."""


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
    if row.get("error"):
        return safe(str(row["error"])), "failed"
    if state == "failed":
        return safe(str(row.get("reason") or "")) or (FLAG_WORDS.get(flag, "failed") + at), "failed"
    if flag and state not in ACTIVE:
        return f"{FLAG_WORDS[flag]}, {state}{at if state != 'finished' else ''}", "failed"
    if state in ("lost", "stopped"):
        return f"{state}{at} · r resumes it", "failed" if state == "lost" else "quiet"
    if state == "queued":
        return waits.get(row["name"], "waits for its turn"), "quiet"
    if state == "starting":
        return "starting", "running"
    if state == "running":
        left = seconds_left(row)
        words = f"{bar(share_done(row))} {done}" + ("" if left is None else f"  {duration(left)}")
        return (f"{FLAG_WORDS[flag]}  {words}", "failed") if flag else (words, "running")
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
