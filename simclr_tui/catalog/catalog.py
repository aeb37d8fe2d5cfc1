"""The index of a store's run folders, brought up to date by whoever reads it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path

from simclr_tui.catalog.brief import Look, facts_of, listing_digest
from simclr_tui.catalog.database import BUSY, Database, Known
from simclr_tui.catalog.folder import fingerprint, folder_mark
from simclr_tui.catalog.row import Row, make_row, state_columns
from simclr_tui.clock import SYSTEM_CLOCK, Clock
from simclr_tui.errors import SimclrError
from simclr_tui.paths import RunPaths
from simclr_tui.store.names import natural_key
from simclr_tui.store.state import ENDED, OPEN, observe
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import queue_positions

BIG = 2_000  # runs; of fewer, every file is looked at each time, in some twenty milliseconds
TRUSTED = 60.0  # seconds for which a look at every file of a big store is good for what is edited in place
_MOST_WATCHED = 100  # runs that may change at any time, beside which it is still quicker to read only the newest rows


@dataclass(frozen=True)
class _Look:
    """Hold the names of all runs, and of those whose files were looked at fingerprints and marks (None: too fresh).

    The other folders are as their rows say. The marks were taken before the fingerprints. `looked` is the wall time
    since which every file was looked at.
    """

    names: Set[str]
    fingerprints: dict[str, str]
    marks: dict[str, str | None]
    looked: float
    listing: str


@dataclass(frozen=True)
class Some:
    """Hold the rows of some runs, and the names of the best runs of the whole store.

    The best are those of the last look at the whole store, at most a minute ago.
    """

    rows: list[Row]
    best: frozenset[str]


class Catalog:
    """Keep a row for every run of a store. Not safe to share between threads; create one in each."""

    def __init__(self, store: Store, *, busy: float = BUSY, clock: Clock = SYSTEM_CLOCK) -> None:
        """Index a store; another writer of its database is waited for, `busy` seconds at most."""
        self._store, self._clock = store, clock
        self._database = Database(store.root, lambda name: fingerprint(f"{store.root}/{name}"), busy=busy)
        self._rows: dict[str, Row] | None = None
        self._marks: dict[str, str] = {}  # of a big store's folders that are as their rows say while they keep them
        self._looked = -math.inf  # wall time since which every file was looked at
        self._unsaved: set[str] = set()  # runs whose rows or marks the database may not have
        self._saved: Look | None = None  # what the database says that its rows are true of
        self._order: list[str] = []

    @property
    def path(self) -> Path:
        return self._database.path

    def rows(self, budget: float | None = None) -> list[Row]:
        """Return one row per run, run2 before run10, each with its present state.

        Folders that changed since they were indexed are read again, for at most `budget` seconds (None: all); the
        others keep their last row until the next call. In a big store what was edited in place is seen within a
        minute. Raises StoreError if the store cannot be read.
        """
        if self._rows is None:
            self._rows, self._marks, self._saved = self._database.load()
            self._looked = self._saved.looked if self._saved is not None else -math.inf
        rows, look = self._rows, self._look()
        # The budget starts here: on a slow disk the fingerprints alone can use it up, leaving one run per call.
        deadline = None if budget is None else time.monotonic() + budget
        found = look.fingerprints
        if look.names != set(self._order):  # sorting a hundred thousand names takes longer than looking at them
            self._order = sorted(look.names, key=natural_key)
        names = self._order
        changed, complete = self._refresh(rows, [(name, found[name]) for name in names if name in found], deadline)
        gone = rows.keys() - look.names
        for name in gone:
            del rows[name]
        if len(names) > BIG:
            self._save_big(look, changed, gone, complete=complete)
        elif changed or gone:
            unknown = Known({}, None) if self._saved is not None else None  # the store was big
            self._database.save([rows[name] for name in changed], sorted(gone), rows.values, brief=unknown)
        listed = [rows[name] for name in names if name in rows]
        return self._with_positions([self._live(row) if row["state"] in OPEN else row for row in listed])

    def newest(self, count: int) -> Some | None:
        """Return the `count` runs of a big store that were created last, the oldest first, without reading the others.

        Return None where only `rows` can tell: the store is small, a run came or went, many can change at any time, or
        the last look at every file was a minute ago. Raises StoreError if the store cannot be read.
        """
        inodes = self._store.inodes()
        if len(inodes) <= BIG:
            return None
        listing = listing_digest(inodes)
        found = self._database.newest(
            count, lambda look: look.listing == listing and self._is_recent(look.looked), most_watched=_MOST_WATCHED
        )
        if found is None:
            return None
        brief, rows = found
        if not self._bring_up_to_date(rows):
            return None
        return Some(self._with_positions([self._live(rows[name]) for name in brief.newest]), brief.best)

    def pick(self, choose: Callable[[list[Row]], list[Row]], needed: Set[str]) -> Some | None:
        """Return the rows that `choose` picks and sorts, reading of the others only the columns that it needs.

        It is given what `rows` would return; only `name`, `state` and the `needed` columns are sure to be there.
        Every folder is looked at as `rows` does. Return None where only `rows` can tell, as `newest` does, and where
        many runs changed. Raises StoreError if the store cannot be read.
        """
        inodes = self._store.inodes()
        if len(inodes) <= BIG:
            return None
        root, now, listing = str(self._store.root), self._clock.wall(), listing_digest(inodes)
        part = self._database.part(
            needed,
            lambda look: look.listing == listing and self._is_recent(look.looked),
            lambda name, mark: mark is None or folder_mark(f"{root}/{name}", now) != mark,
        )
        if part is None or len(part.stale) > _MOST_WATCHED or not self._bring_up_to_date(part.stale):
            return None
        known = part.rows | {name: self._live(row) for name, row in part.stale.items()}
        picked = choose(self._with_positions([known[name] for name in sorted(known, key=natural_key)]))
        unread = [row["name"] for row in picked if row["name"] not in part.stale]
        whole = self._database.whole(unread)
        if whole is None or any(whole[name]["fingerprint"] != known[name]["fingerprint"] for name in unread):
            return None  # another process has just written them
        return Some([whole.get(row["name"], row) for row in picked], part.best)

    def _bring_up_to_date(self, rows: dict[str, Row]) -> bool:
        """Read again those of the rows whose folders changed; return whether the best runs are sure to be the same."""
        for name, known in rows.items():
            now = fingerprint(f"{self._store.root}/{name}")
            if now is None:
                return False
            if now != known["fingerprint"] or known["error"]:
                rows[name] = make_row(self._store.run(name), now)
                if facts_of(rows[name]) != facts_of(known):
                    return False
        return True

    def rebuild(self) -> int:
        """Delete the database, index every folder again, and return the number of runs."""
        self._rows, self._marks, self._looked, self._saved = {}, {}, -math.inf, None
        self._database.delete()
        return len(self.rows())

    def _look(self) -> _Look:
        """Return the fingerprint of every run folder.

        In a big store whose files were all looked at within the last minute, folders that keep their marks are taken
        to be as their rows say.
        """
        root = str(self._store.root)  # joined as text, which is faster: each listing checks every run
        now, inodes = self._clock.wall(), self._store.inodes()
        big = len(inodes) > BIG
        trusted = self._marks if big and self._is_recent(self._looked) else {}
        names = set(inodes)
        found: dict[str, str] = {}
        marks: dict[str, str | None] = {}
        for name in inodes:
            folder = f"{root}/{name}"
            if big:
                mark = folder_mark(folder, now)
                if mark is not None and trusted.get(name) == mark:
                    continue
                marks[name] = mark
            if (changed := fingerprint(folder)) is not None:
                found[name] = changed
            else:
                names.remove(name)
        return _Look(names, found, marks, self._looked if trusted else now, listing_digest(inodes) if big else "")

    def _is_recent(self, looked: float) -> bool:
        """Return whether a look at every file is good still; one in the future, after the clock was set, is not."""
        return 0.0 <= self._clock.wall() - looked < TRUSTED

    def _refresh(
        self, rows: dict[str, Row], found: list[tuple[str, str]], deadline: float | None
    ) -> tuple[list[str], bool]:
        """Read the folders that changed; return their names, and whether none was left for the next call."""
        changed: list[str] = []
        for name, now in found:
            known = rows.get(name)
            # An unreadable folder is tried again: what kept it from being read (a disk, a right) leaves no trace in it.
            if known is not None and known["fingerprint"] == now and not known["error"]:
                continue
            if changed and deadline is not None and time.monotonic() > deadline:
                return changed, False
            rows[name] = make_row(self._store.run(name), now)
            if rows[name] != known:
                changed.append(name)
        return changed, True

    def _save_big(self, look: _Look, changed: list[str], gone: set[str], *, complete: bool) -> None:
        """Remember the marks of folders that are as their rows say, and write what has changed of a big store."""
        rows = self._rows or {}
        for name, mark in look.marks.items():
            row = rows.get(name)
            sound = row is not None and row["fingerprint"] == look.fingerprints.get(name)
            if mark is None or row is None or not sound or row["state"] not in ENDED or row["error"]:
                if self._marks.pop(name, None) is not None:
                    self._unsaved.add(name)
            elif self._marks.get(name) != mark:
                self._marks[name] = mark
                self._unsaved.add(name)
        for name in gone:
            self._marks.pop(name, None)
        self._unsaved |= {*changed, *gone}
        self._looked = look.looked  # folders that were left for the next call have no marks
        now = Look(look.looked, look.listing, len(rows)) if complete else None
        if changed or gone or now != self._saved:
            kept = [rows[name] for name in sorted(self._unsaved) if name in rows]
            lost = sorted(self._unsaved - rows.keys())
            if self._database.save(kept, lost, rows.values, brief=Known(self._marks, now)):
                self._unsaved.clear()
                self._saved = now

    def _live(self, row: Row) -> Row:
        if row["state"] not in OPEN:
            return row
        try:
            return row | state_columns(observe(RunPaths(self._store.root / row["name"])))
        except SimclrError:
            return row

    def _with_positions(self, rows: list[Row]) -> list[Row]:
        """Return the rows with the queue position of each queued run; tickets are read only if there are any."""
        queued = [row["name"] for row in rows if row["state"] == "queued"]
        if not queued:
            return rows
        found = queue_positions(self._store, queued)
        return [row | {"place": found.get(row["name"])} if row["state"] == "queued" else row for row in rows]
