"""The index of a store's run folders, brought up to date by whoever reads it."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

from simclr_tui.catalog.database import BUSY, Database
from simclr_tui.catalog.row import Row, make_row, state_columns
from simclr_tui.errors import SimclrError, is_unanswered
from simclr_tui.paths import RUN_FILE, RunPaths
from simclr_tui.store.names import natural_key
from simclr_tui.store.state import OPEN, observe
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import queue_positions

_PROBE = RunPaths(Path())
_MARKED = tuple(path.name for path in (_PROBE.state, _PROBE.recipe, _PROBE.evaluations))


class Catalog:
    """Keep a row for every run of a store. Not safe to share between threads; create one in each."""

    def __init__(self, store: Store, *, busy: float = BUSY) -> None:
        """Index a store; another writer of its database is waited for, `busy` seconds at most."""
        self._store = store
        self._database = Database(store.root, lambda name: _fingerprint(f"{store.root}/{name}"), busy=busy)
        self._rows: dict[str, Row] | None = None

    @property
    def path(self) -> Path:
        return self._database.path

    def rows(self, budget: float | None = None) -> list[Row]:
        """Return one row per run, run2 before run10, each with its present state.

        Folders that changed since they were indexed are read again, for at most `budget` seconds (None: all); the
        others keep their last row until the next call. Raises StoreError if the store cannot be read.
        """
        if self._rows is None:
            self._rows = self._database.load()
        rows, fingerprints = self._rows, self._look()
        # The budget starts here: on a slow disk the fingerprints alone can use it up, leaving one run per call.
        deadline = None if budget is None else time.monotonic() + budget
        names = sorted(fingerprints, key=natural_key)
        changed = self._refresh(rows, [(name, fingerprints[name]) for name in names], deadline)
        gone = rows.keys() - set(names)
        for name in gone:
            del rows[name]
        if changed or gone:
            self._database.save([rows[name] for name in changed], sorted(gone), rows.values)
        return self._with_positions([self._live(rows[name]) for name in names if name in rows])

    def rebuild(self) -> int:
        """Delete the database, index every folder again, and return the number of runs."""
        self._rows = {}
        self._database.delete()
        return len(self.rows())

    def _look(self) -> dict[str, str]:
        """Return the fingerprint of every run folder."""
        root = str(self._store.root)  # joined as text, which is faster: each listing checks every run
        found = {name: _fingerprint(f"{root}/{name}") for name in self._store.entries()}
        return {name: fingerprint for name, fingerprint in found.items() if fingerprint is not None}

    def _refresh(self, rows: dict[str, Row], found: list[tuple[str, str]], deadline: float | None) -> list[str]:
        changed: list[str] = []
        for name, fingerprint in found:
            known = rows.get(name)
            # An unreadable folder is tried again: what kept it from being read (a disk, a right) leaves no trace in it.
            if known is not None and known["fingerprint"] == fingerprint and not known["error"]:
                continue
            if changed and deadline is not None and time.monotonic() > deadline:
                break
            rows[name] = make_row(self._store.run(name), fingerprint)
            if rows[name] != known:
                changed.append(name)
        return changed

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


def _fingerprint(root: str) -> str | None:
    """Return a text that changes with the run's metadata, state, recipe or set of evaluations; None if it is no run.

    A folder that the disk says nothing about stays a run, which is read and found unreadable.
    """
    try:
        info = os.stat(f"{root}/{RUN_FILE}")  # noqa: PTH116
    except OSError as error:
        return "?" if is_unanswered(error) and not isinstance(error, PermissionError) else None
    if not stat.S_ISREG(info.st_mode):
        return None
    return " ".join([_mark(info), *[_mark_of(f"{root}/{name}") for name in _MARKED]])


def _mark_of(path: str) -> str:
    try:
        return _mark(os.stat(path))  # noqa: PTH116
    except OSError:
        return "-"


def _mark(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns}.{found.st_size}.{found.st_ino}"
