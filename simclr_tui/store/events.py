"""The events of a run: one JSON line for each, with a message in words."""

from __future__ import annotations

from typing import Any

import msgspec

from simclr_tui.atomic import SYSTEM_OS, LineWriter, Os
from simclr_tui.clock import SYSTEM_CLOCK, Clock
from simclr_tui.paths import AttemptPaths, RunPaths
from simclr_tui.regular_file import read_small
from simclr_tui.store.unreadable import DAMAGED, refuse_unanswered

PROCESS_FAILED = "process-failed"
"""Event of a run of several processes when one of them fails: `rank` tells which.

`lost` means that it failed only because it lost contact with another one.
"""


class Event(msgspec.Struct, kw_only=True):
    """Describe one event at `wall`, in seconds of the Unix epoch.

    `event` is queued, dequeued, started, checkpoint, evaluation, warning, retry, stop-requested, process-failed,
    finished, stopped or failed. The last three fields belong to process-failed.
    """

    event: str
    wall: float
    message: str = ""
    step: int | None = None
    attempt: int = 0
    rank: int = 0
    exit_code: int = 1
    lost: bool = False


class EventLog:
    """Append the events of one attempt. Several processes may write to the same file: each line is a single write."""

    def __init__(self, attempt: AttemptPaths, clock: Clock = SYSTEM_CLOCK, system: Os = SYSTEM_OS) -> None:
        self._lines = LineWriter(attempt.events, system=system)
        self._clock = clock

    def write(self, event: str, message: str = "", step: int | None = None, **details: Any) -> None:
        line: dict[str, Any] = {"event": event, "wall": self._clock.wall(), "message": message}
        if step is not None:
            line["step"] = step
        self._lines.append(msgspec.json.encode(line | details))
        self._lines.sync()

    def close(self) -> None:
        self._lines.close()


def record(
    paths: RunPaths, attempt: int, event: str, *, message: str = "", step: int | None = None, system: Os = SYSTEM_OS
) -> None:
    """Append a single event to an attempt's log."""
    events = EventLog(paths.attempt(attempt), system=system)
    events.write(event, message, step=step)
    events.close()


def read_events(paths: RunPaths, *, strict: bool = False) -> list[Event]:
    """Return the readable events of all attempts, oldest first.

    With `strict`, raises UnansweredError where events may be there but cannot be read at the moment.
    """
    decoder = msgspec.json.Decoder(Event)
    found: list[Event] = []
    for attempt in paths.attempts():
        try:
            lines = read_small(attempt.events).splitlines()
        except OSError as error:
            if strict:
                refuse_unanswered(error, f"the events of {paths.root.name}")
            continue
        for line in lines:
            try:
                event = decoder.decode(line)
            except DAMAGED:
                continue
            event.attempt = attempt.number
            found.append(event)
    return found
