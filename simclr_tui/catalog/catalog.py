"""The index over a store's run folders: one SQLite table a person can query, rebuilt from the folders at need.

sqlite-utils makes the table and writes it; reading goes through the standard library, which starts ten times
faster. A database that is damaged, locked, newer or not writable costs speed, never an answer.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from simclr_tui.catalog.row import Row, columns, make_row, state_columns
from simclr_tui.errors import SimclrError
from simclr_tui.paths import CATALOG, RunPaths
from simclr_tui.recipe.fields import fields
from simclr_tui.store.queue import places
from simclr_tui.store.state import OPEN, observe
from simclr_tui.store.store import Store

_PROBE = RunPaths(Path())
_MARKED = tuple(path.name for path in (_PROBE.state, _PROBE.info, _PROBE.recipe, _PROBE.evaluations))
_BUSY = 5.0  # seconds to wait for another writer


class Catalog:
    """Rows of every run of a store. Not safe to share between threads; make one in each."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: dict[str, Row] | None = None

    @property
    def path(self) -> Path:
        return self._store.root / CATALOG

    @property
    def _journal(self) -> Path:
        """Where SQLite keeps an unfinished write; it must never be played back into another database."""
        return self._store.root / f"{CATALOG}-journal"

    def rows(self, budget: float | None = None) -> list[Row]:
        """One row a run, run2 before run10, each with its state as it is now.

        Folders that changed since they were indexed are read again, for at most `budget` seconds (None: all);
        the others keep their last row until the next call. Raises StoreError when the folder cannot be read.
        """
        if self._rows is None:
            self._rows = self._load()
        names = self._store.names()
        changed = self._refresh(self._rows, names, budget)
        gone = self._rows.keys() - set(names)
        for name in gone:
            del self._rows[name]
        if changed or gone:
            self._save([self._rows[name] for name in changed], sorted(gone))
        return self._placed([self._live(self._rows[name]) for name in names if name in self._rows])

    def rebuild(self) -> int:
        """Delete the database and index every folder anew. Returns the number of runs."""
        self._rows = {}
        for path in (self.path, self._journal):
            with contextlib.suppress(OSError):
                path.unlink()
        return len(self.rows())

    def _refresh(self, rows: dict[str, Row], names: list[str], budget: float | None) -> list[str]:
        deadline = time.monotonic() + budget if budget is not None else None
        changed: list[str] = []
        for name in names:
            fingerprint = _fingerprint(RunPaths(self._store.root / name))
            if name in rows and rows[name]["fingerprint"].startswith(fingerprint):
                continue
            if changed and deadline is not None and time.monotonic() > deadline:
                break
            rows[name] = _sealed(make_row(self._store.run(name), fingerprint))
            changed.append(name)
        return changed

    def _live(self, row: Row) -> Row:
        if row["state"] not in OPEN:
            return row
        try:
            return row | state_columns(observe(RunPaths(self._store.root / row["name"])))
        except SimclrError:
            return row

    def _placed(self, rows: list[Row]) -> list[Row]:
        """Each queued row with its place; tickets are read only where there are any."""
        queued = [row["name"] for row in rows if row["state"] == "queued"]
        if not queued:
            return rows
        found = places(self._store, queued)
        return [row | {"place": found.get(row["name"])} if row["state"] == "queued" else row for row in rows]

    def _load(self) -> dict[str, Row]:
        if not self.path.exists():
            return {}
        address = self.path.absolute().as_uri()
        try:
            with contextlib.closing(sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=_BUSY)) as database:
                database.row_factory = sqlite3.Row
                found = [_typed(dict(row)) for row in database.execute("select * from runs")]
        except sqlite3.OperationalError:
            return {}  # locked, read-only or of another shape: the folders tell all the same
        except sqlite3.DatabaseError:
            self._set_aside()
            return {}
        return {row["name"]: row for row in found if row.keys() >= columns().keys() and row == _sealed(row)}

    def _set_aside(self) -> None:
        stamp = int(time.time())
        for path in (self._journal, self.path):
            with contextlib.suppress(OSError):
                path.rename(path.with_name(f"{path.name}.damaged-{stamp}"))

    def _save(self, changed: list[Row], gone: list[str]) -> None:
        """Write what changed. A database that cannot be written is left as it is: the next look tries again."""
        from sqlite_utils.db import NoTable

        try:
            self._write(changed, gone)
        except (sqlite3.OperationalError, UnicodeEncodeError, OverflowError):
            return  # the last two: a path or a number that SQLite cannot hold
        except (sqlite3.DatabaseError, NoTable):
            self._set_aside()
            with contextlib.suppress(sqlite3.DatabaseError, NoTable):
                self._write([], [])

    def _write(self, changed: list[Row], gone: list[str]) -> None:
        """In one transaction; into a table that is missing or of another shape, every row."""
        from sqlite_utils import Database

        with contextlib.closing(sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None)) as connection:
            connection.execute("begin immediate")
            table: Any = Database(connection).table("runs")
            if not table.exists() or not columns().keys() <= table.columns_dict.keys():
                table.drop(ignore=True)
                table.create(columns(), pk="name")
                changed, gone = list((self._rows or {}).values()), []
            for row in changed:
                table.upsert(row, pk="name")
            for name in gone:
                table.delete_where("name = ?", [name])
            if connection.in_transaction:
                connection.execute("commit")


@cache
def _booleans() -> tuple[str, ...]:
    return tuple(item.short for item in fields() if item.type is bool)


def _typed(row: Row) -> Row:
    """SQLite knows no booleans."""
    for name in _booleans():
        if row.get(name) is not None:
            row[name] = bool(row[name])
    return {key: row[key] for key in columns() if key in row}


def _sealed(row: Row) -> Row:
    """The row with a checksum of its values behind the fingerprint: a page can be damaged and still be readable."""
    mark = str(row["fingerprint"]).partition("/")[0]
    values = [row[key] for key in columns() if key != "fingerprint"]
    return row | {"fingerprint": f"{mark}/{zlib.crc32(repr(values).encode(errors='replace')):08x}"}


def _fingerprint(paths: RunPaths) -> str:
    """Changes whenever the run's state, the user's notes or the recipe do, or an evaluation comes or goes."""
    marks = []
    root = str(paths.root)  # joined as text: ten thousand runs are looked at at every listing
    for name in _MARKED:
        try:
            found = os.stat(f"{root}/{name}")  # noqa: PTH116
            marks.append(f"{found.st_mtime_ns}.{found.st_size}.{found.st_ino}")
        except OSError:
            marks.append("-")
    return " ".join(marks) + "/"
