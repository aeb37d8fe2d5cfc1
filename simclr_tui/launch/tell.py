"""Tell the user what happened to a run, each event once, whoever sees it first: `python -m simclr_tui.launch.tell RUN`.

The supervisor starts it when its run changes; an open dashboard calls it; and whoever lists the runs starts it for what
a killed supervisor left untold. A file beside the attempt keeps what has been told.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from simclr_tui.atomic import LineWriter, Lock
from simclr_tui.catalog.news import Event, news
from simclr_tui.catalog.row import Row, make_row, state_columns
from simclr_tui.config import Config, read_config
from simclr_tui.errors import SimclrError, StoreError, UnansweredError
from simclr_tui.launch.detached import start_detached
from simclr_tui.launch.notify import notify
from simclr_tui.paths import AttemptPaths, RunPaths
from simclr_tui.regular_file import read_small
from simclr_tui.store.events import record
from simclr_tui.store.run import Run
from simclr_tui.store.state import ENDED, State, observe
from simclr_tui.store.unreadable import refuse_unanswered

_PATIENCE = 60.0  # seconds for another process that is telling at this moment
_RETRY_AFTER = (1.0, 5.0, 20.0)  # seconds: a webhook that cannot be reached is called again
_STALE = 3 * 86400.0  # seconds after which an end is no news


class Told(msgspec.Struct, frozen=True):
    """Hold one line of told.jsonl: an event that was told, or "begun", which promises to tell the attempt's end."""

    event: str


def tell_once(
    config: Config,
    run: Run,
    events: Iterable[Event],
    *,
    attempt: int,
    patience: float = 0.0,
    waits: Sequence[float] = (),
) -> None:
    """Tell each event that nobody has told yet. Raises SimclrError for the first that could not be told.

    Another process that is telling at this moment is waited for `patience` seconds, and then left to it. Where the
    folder cannot be written, the events are told all the same: nobody can remember them there.
    """
    place = run.paths.attempt(attempt)
    lock = Lock(place.told_lock)
    try:
        if not lock.acquire(patience):
            return None
    except OSError:
        return _tell(config, events, None, waits=waits)
    try:
        known = told(place)
        return _tell(config, [event for event in events if event.event not in known], place, waits=waits)
    finally:
        lock.release()


def _tell(config: Config, events: Iterable[Event], place: AttemptPaths | None, *, waits: Sequence[float]) -> None:
    for event in events:
        try:
            notify(config, event, waits=waits)
        finally:  # tried is told: what a command did before it failed is not done twice
            if place is not None:
                _remember(place, event.event)


def told(place: AttemptPaths) -> set[str]:
    """Return the events of an attempt that were told; empty where nothing was.

    Raises UnansweredError where that cannot be read at the moment: nothing is told twice for that.
    """
    try:
        lines = read_small(place.told).splitlines()
    except OSError as error:
        refuse_unanswered(error, "what was told")
        return set()
    found = set()
    for line in lines:
        with contextlib.suppress(msgspec.DecodeError):
            found.add(msgspec.json.decode(line, type=Told).event)
    return found


def promise(place: AttemptPaths) -> None:
    """Note that the end of this attempt is to be told, so that whoever finds it untold does so. Never raises."""
    with contextlib.suppress(OSError, SimclrError):
        if read_config().tells:
            _remember(place, "begun")


def _remember(place: AttemptPaths, event: str) -> None:
    with contextlib.suppress(OSError):
        lines = LineWriter(place.told)
        lines.append(msgspec.json.encode(Told(event)))
        lines.close()


def start_telling(run: RunPaths) -> None:
    """Start telling what there is of a run in a process of its own, if the user wants to be told. Never raises."""
    with contextlib.suppress(OSError, SimclrError):
        if read_config().tells:
            root = run.root.absolute()
            start_detached("simclr_tui.launch.tell", str(root), log=None, folder=root.parent)


class NewsOfRun:
    """Start telling whenever the state or a flag of one run has changed since the last look."""

    def __init__(self) -> None:
        self._known: tuple[str, tuple[str, ...]] | None = None

    def look(self, run: RunPaths) -> None:
        """Compare the run with what was seen last; call this about once a second, and at the end. Never raises."""
        with contextlib.suppress(StoreError):  # deleted, or just being replaced
            state = observe(run)
            now = (state.state, state.flags)
            if now != self._known and (state.state in ENDED or state.flags):
                start_telling(run)
            self._known = now


def tell_missed(root: Path, rows: Sequence[Row], now: float) -> None:
    """Start telling the ends that nobody has told, such as those of runs whose supervisor was killed. Never raises."""
    with contextlib.suppress(SimclrError):
        if read_config().tells:
            for row in rows:
                if row["state"] in ENDED and not row["error"] and _is_untold(RunPaths(root / row["name"]), row, now):
                    start_telling(RunPaths(root / row["name"]))


def _is_untold(run: RunPaths, row: Row, now: float) -> bool:
    place = run.attempt(int(row.get("attempt") or 1))
    try:
        age = now - max(place.told.stat().st_mtime, run.state.stat().st_mtime)
        return age < _STALE and row["state"] not in told(place)
    except (OSError, UnansweredError):  # nobody promised to tell of it, or the next look will say
        return False


def main(root: str) -> None:
    """Tell what is new of one run, and record in its events what could not be told."""
    run = Run(Path(root))
    config = read_config()
    status = observe(run.paths)
    events = [event for event in _events(run, status) if event.event in config.tell]
    try:
        tell_once(config, run, events, attempt=status.attempt, patience=_PATIENCE, waits=_RETRY_AFTER)
    except SimclrError as error:
        record(run.paths, status.attempt, "warning", message=str(error), step=status.step)


def _events(run: Run, status: State) -> list[Event]:
    row = make_row(run, "") | state_columns(status)
    return news({run.name: row | {"state": "running", "flags": ""}}, [row])


if __name__ == "__main__":
    main(sys.argv[1])
