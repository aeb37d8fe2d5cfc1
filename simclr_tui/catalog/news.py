"""Report in sentences what happened to runs between two listings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simclr_tui.catalog.row import Row
from simclr_tui.config import News
from simclr_tui.store.state import FLAGS
from simclr_tui.text import percent, safe

_MAX_MESSAGES = 3  # on screen at once


_ENDS: tuple[News, ...] = ("finished", "failed", "lost", "stopped")


@dataclass(frozen=True)
class Event:
    """Hold one piece of news about a run; `message` is a sentence."""

    run: str
    event: News
    message: str

    @property
    def bad(self) -> bool:
        return self.event not in ("finished", "stopped")


def news(before: dict[str, Row], rows: Sequence[Row]) -> list[Event]:
    """Return what happened between two listings. A run that is new to the list, or cannot be read, is not news."""
    found: list[Event] = []
    for row in rows:
        old = before.get(row["name"])
        if old is None or row.get("error") or (old["state"], old.get("flags")) == (row["state"], row.get("flags")):
            continue
        flags = set(_words(row)) - set(_words(old))
        found += [_event(row, flag) for flag in FLAGS if flag in flags and flag != "elsewhere"]
        if row["state"] != old["state"] and row["state"] in _ENDS and "diverged" not in flags:
            found.append(_event(row, row["state"]))
    return found


def changed_rows(before: Sequence[Row], rows: Sequence[Row]) -> list[Row] | None:
    """Return the rows of a listing that changed since the one before it; None if a run came, went or moved.

    Rows that did not change are the same objects.
    """
    if len(before) != len(rows):
        return None
    changed = [(old, row) for old, row in zip(before, rows, strict=True) if old is not row]
    return [row for _, row in changed] if all(old["name"] == row["name"] for old, row in changed) else None


def last_known(before: dict[str, Row], rows: Sequence[Row]) -> dict[str, Row]:
    """Return the rows to compare the next listing with: for a run that cannot be read now, the row from before."""
    return {row["name"]: before.get(row["name"], row) if row.get("error") else row for row in rows}


def _words(row: Row) -> list[str]:
    return str(row.get("flags") or "").split(",")


def _event(row: Row, event: News) -> Event:
    name, reason = safe(row["name"]), safe(str(row.get("reason") or ""))
    knn = f", kNN {percent(row['knn'])}" if row.get("knn") is not None else ""
    words = {
        "finished": f"{name} finished{knn}",
        "stopped": f"{name} was stopped{knn}",
        "diverged": f"{name} diverged: {reason or 'its loss is not finite'}",
        "collapsed": f"{name} collapsed: its embeddings are all alike",
        "stalled": f"{name} stalled: no sign of life for a minute",
        "failed": f"{name} failed: {reason or 'see its log'}",
        "lost": f"{name} is lost: {reason or 'its process is gone'}",
    }
    return Event(row["name"], event, words[event])


def in_brief(events: Sequence[Event]) -> list[tuple[str, bool]]:
    """Return messages for the screen, each with whether it is bad; more than a few events become one per kind."""
    if len(events) <= _MAX_MESSAGES:
        return [(event.message, event.bad) for event in events]
    kinds: dict[News, list[Event]] = {}
    for event in events:
        kinds.setdefault(event.event, []).append(event)
    return [(_counted(found), found[0].bad) for found in kinds.values()]


def _counted(events: list[Event]) -> str:
    if len(events) == 1:
        return events[0].message
    names = ", ".join(safe(event.run) for event in events[:3])
    return f"{len(events)} runs {events[0].event}: {names}{', …' if len(events) > 3 else ''}"
