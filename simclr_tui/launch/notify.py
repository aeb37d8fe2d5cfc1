"""Telling someone who does not look: a command or a webhook of the user's choice, never through a shell."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass

from simclr_tui.catalog.row import Row
from simclr_tui.config import Config, News
from simclr_tui.errors import SimclrError
from simclr_tui.text import percent, safe

_AT_ONCE = 3  # messages on screen at one moment
_PATIENCE = 10.0  # seconds for the command or the webhook
_FLAGS: tuple[News, ...] = ("diverged", "collapsed", "stalled")
_ENDS: tuple[News, ...] = ("finished", "failed", "lost", "stopped")


@dataclass(frozen=True)
class Event:
    """One piece of news about a run; `message` is a sentence."""

    run: str
    event: News
    message: str

    @property
    def bad(self) -> bool:
        return self.event not in ("finished", "stopped")


def news(before: dict[str, Row], rows: Sequence[Row]) -> list[Event]:
    """What happened between two listings. A run that is new to the list is no news."""
    found: list[Event] = []
    for row in rows:
        old = before.get(row["name"])
        if old is None or (old["state"], old.get("flags")) == (row["state"], row.get("flags")):
            continue
        flags = set(_words(row)) - set(_words(old))
        found += [_event(row, flag) for flag in _FLAGS if flag in flags]
        if row["state"] != old["state"] and row["state"] in _ENDS and "diverged" not in flags:
            found.append(_event(row, row["state"]))
    return found


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
    """Messages for one screen, each with whether it is bad; more than a few events become one a kind."""
    if len(events) <= _AT_ONCE:
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


def notify(config: Config, event: Event) -> None:
    """Run the command and call the webhook that the configuration names. Raises SimclrError when one fails."""
    if config.notify:
        _command([_filled(word, event) for word in config.notify])
    if config.webhook:
        _post(config.webhook, event)


def _filled(word: str, event: Event) -> str:
    """Only the three names are filled in: whatever else stands in braces stays."""
    for name, value in (("run", safe(event.run)), ("event", event.event), ("message", event.message)):
        word = word.replace("{" + name + "}", value)
    return word


def _command(words: list[str]) -> None:
    nowhere = subprocess.DEVNULL
    try:
        done = subprocess.run(
            words, stdin=nowhere, stdout=nowhere, stderr=nowhere, timeout=_PATIENCE, check=False, start_new_session=True
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise SimclrError(f"notify did not work: {error}", "see simclr config get notify") from None
    if done.returncode:
        raise SimclrError(f"notify ended with code {done.returncode}", "see simclr config get notify")


def _post(address: str, event: Event) -> None:
    """The address may hold a secret of its owner's, so that no error repeats it."""
    body = json.dumps({"run": event.run, "event": event.event, "message": event.message, "text": event.message})
    request = urllib.request.Request(address, body.encode(), {"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE):
            pass
    except (OSError, ValueError) as error:
        raise SimclrError(f"the webhook did not answer: {type(error).__name__}", "see simclr config") from None
