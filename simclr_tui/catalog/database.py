"""The file catalog.db: the table `runs` for people and their queries, and the same rows packed for a fast start.

A listing of ten thousand runs reads one checksummed value per run instead of eighty columns. sqlite-utils creates the
tables; everything else uses the standard library, which starts ten times faster.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from simclr_tui.catalog.brief import (
    Brief,
    Look,
    forget_look,
    make_brief,
    read_best,
    read_brief,
    read_columns,
    read_look,
    read_marks,
    write_brief,
)
from simclr_tui.catalog.row import Row, columns
from simclr_tui.group_mode import share_path
from simclr_tui.paths import CATALOG

_T = TypeVar("_T")

BUSY = 5.0  # seconds to wait for another writer
_TABLES: dict[str, Callable[[], dict[str, type]]] = {"runs": columns, "packed": lambda: {"name": str, "row": bytes}}


class Known(NamedTuple):
    """Hold what is known of a big store: the marks of its unchanged folders, and what its rows are true of."""

    marks: Mapping[str, str]
    look: Look | None


class Loaded(NamedTuple):
    """Hold the rows of a database, and what it knows of a big store."""

    rows: dict[str, Row]
    marks: dict[str, str]
    look: Look | None


class Newest(NamedTuple):
    """Hold the newest runs and those that are watched, each with its row as it was saved."""

    brief: Brief
    rows: dict[str, Row]


class Part(NamedTuple):
    """Hold a few columns of every row, the whole rows of the runs that need a second look, and the best runs."""

    rows: dict[str, Row]
    stale: dict[str, Row]
    best: frozenset[str]


class Database:
    """Keep the index of one store. If it is damaged, locked, newer or not writable, only speed is lost.

    A database of another program, or a link, in its place is set aside under another name, never written.
    `fingerprint` tells what a run's folder is like at this moment, None if it is gone: of two writers at once, the one
    that read the folder before a change must not be the last word on it.
    """

    def __init__(self, root: Path, fingerprint: Callable[[str], str | None], *, busy: float = BUSY) -> None:
        self.path = root / CATALOG
        self._fingerprint, self._busy = fingerprint, busy
        # SQLite keeps an unfinished write here; it must never be played back into another database.
        self._journal = root / f"{CATALOG}-journal"

    def load(self) -> Loaded:
        """Return every intact row by name, and what is known of a big store; nothing if it cannot be read."""
        return self._read(_loaded) or Loaded({}, {}, None)

    def newest(self, count: int, is_current: Callable[[Look], bool], *, most_watched: int) -> Newest | None:
        """Return what a listing of the newest runs needs, without reading the other rows; None where that is not known.

        `is_current` says whether what the rows are known to be true of is true now.
        """

        def read(database: sqlite3.Connection) -> Newest | None:
            look = read_look(database)
            if look is None or not is_current(look):
                return None
            brief = read_brief(database, count, most_watched=most_watched)
            if brief is None:
                return None
            rows = _whole_rows(database, brief.facts)
            return None if rows is None else Newest(brief, rows)

        return self._read(read)

    def part(
        self, wanted: Iterable[str], is_current: Callable[[Look], bool], is_stale: Callable[[str, str | None], bool]
    ) -> Part | None:
        """Return the wanted columns of every row, without reading the others; None where that is not known.

        `is_stale` says by a run's name and mark whether it needs a second look.
        """
        names = sorted({"name", "state", "fingerprint", *wanted})
        truths = [name for name in names if columns()[name] is bool]  # numbers to SQLite

        def read(database: sqlite3.Connection) -> Part | None:
            look = read_look(database)
            found = read_columns(database, names) if look is not None and is_current(look) else None
            if look is None or found is None:
                return None
            rows: dict[str, Row] = {}
            stale: list[str] = []
            for mark, values in found:
                row = dict(zip(names, values, strict=True))
                for name in truths:
                    row[name] = None if row[name] is None else bool(row[name])
                rows[row["name"]] = row
                if is_stale(row["name"], mark):
                    stale.append(row["name"])
            whole = _whole_rows(database, stale)
            return None if whole is None or len(rows) != look.runs else Part(rows, whole, read_best(database))

        return self._read(read)

    def whole(self, names: Iterable[str]) -> dict[str, Row] | None:
        """Return the whole rows of a few runs; None if one is missing or damaged."""
        return self._read(lambda database: _whole_rows(database, names))

    def _read(self, read: Callable[[sqlite3.Connection], _T]) -> _T | None:
        """Return what `read` returns of the database as it is at one moment; None if it cannot be read."""
        if self._is_link():
            return None
        address = self.path.absolute().as_uri()
        try:
            with contextlib.closing(
                sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=self._busy, isolation_level=None)
            ) as database:
                database.execute("begin")
                return read(database)
        except sqlite3.OperationalError:
            return None  # missing, locked, read-only or of another shape: the folders are read instead
        except sqlite3.DatabaseError:
            self._set_aside()
            return None

    def save(
        self,
        changed: list[Row],
        gone: list[str],
        every: Callable[[], Iterable[Row]],
        *,
        brief: Known | None = None,
    ) -> bool:
        """Write the changed rows, or `every` row if the tables had to be created; a failed write is tried next time.

        Return whether they were written. `brief` adds what is known of a big store.
        """
        try:
            if self._is_link():
                self._set_aside("link")
            self._write(changed, gone, every, brief=brief)
        except _ForeignError:
            self._set_aside("foreign")
            return self._write_anew(every, brief)
        except (sqlite3.OperationalError, UnicodeEncodeError, OverflowError):
            return False  # the last two mean a path or a number that SQLite cannot store
        except sqlite3.DatabaseError:
            self._set_aside()
            return self._write_anew(every, brief)
        return True

    def _write_anew(self, every: Callable[[], Iterable[Row]], brief: Known | None) -> bool:
        with contextlib.suppress(sqlite3.DatabaseError):
            self._write([], [], every, brief=brief)
            return True
        return False

    def delete(self) -> None:
        """Delete the database, unless it is not ours: then it is set aside."""
        if self._is_link() or self._is_foreign():
            return self._set_aside("foreign")
        for path in (self.path, self._journal):
            with contextlib.suppress(OSError):
                path.unlink()
        return None

    def _is_link(self) -> bool:
        with contextlib.suppress(OSError):
            return self.path.is_symlink()
        return False

    def _is_foreign(self) -> bool:
        address = self.path.absolute().as_uri()
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=BUSY)) as database,
        ):
            return not _may_replace(database)
        return False

    def _write(
        self, changed: Iterable[Row], gone: list[str], every: Callable[[], Iterable[Row]], *, brief: Known | None
    ) -> None:
        with contextlib.closing(sqlite3.connect(self.path, timeout=self._busy, isolation_level=None)) as connection:
            connection.execute("begin immediate")
            if not all(_is_of_our_shape(connection, table) for table in _TABLES):
                if not _may_replace(connection):
                    raise _ForeignError
                _make_tables(connection)
                changed, gone = every(), []
            if brief is None:
                forget_look(connection)
            else:
                make_brief(connection)
            rows = [row for row in changed if self._fingerprint(row["name"]) == row["fingerprint"]]
            gone = [name for name in gone if self._fingerprint(name) is None]
            connection.executemany(_upsert("runs"), ([row[key] for key in columns()] for row in rows))
            sums: dict[str, int] = {}
            connection.executemany(_upsert("packed"), _packed_and_summed(rows, sums))
            for table in _TABLES:
                connection.executemany(f"delete from {table} where name = ?", ((name,) for name in gone))
            _drop_unpacked(connection)
            if brief is not None:
                facts = ((row, brief.marks.get(row["name"]), sums[row["name"]]) for row in rows)
                write_brief(connection, facts, gone, look=brief.look)
            connection.execute("commit")
        share_path(self.path)  # once it is closed: opening it here would end SQLite's own locks

    def _set_aside(self, why: str = "damaged") -> None:
        stamp = int(time.time())
        for path in (self._journal, self.path):
            with contextlib.suppress(OSError):
                path.rename(path.with_name(f"{path.name}.{why}-{stamp}"))


class _ForeignError(Exception):
    """Say that the database holds tables of another program."""


_EVERY_VERSION = {"name", "state", "fingerprint"}  # columns that the table `runs` has had in every version


def _may_replace(connection: sqlite3.Connection) -> bool:
    """Return whether the database is empty, or an index that some version of this program made."""
    names = connection.execute("select name from sqlite_master where name not like 'sqlite_%'").fetchone()
    return names is None or _columns(connection, "runs") >= _EVERY_VERSION or "row" in _columns(connection, "packed")


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {name for _, name, *_ in connection.execute(f"pragma table_info({table})")}


def _is_of_our_shape(connection: sqlite3.Connection, table: str) -> bool:
    """Return whether a table has all our columns. Columns that a newer version added are kept."""
    found = {name: key for _, name, _, _, _, key in connection.execute(f"pragma table_info({table})")}
    return found.keys() >= _TABLES[table]().keys() and found["name"] == 1


def _make_tables(connection: sqlite3.Connection) -> None:
    with _unavailable("pandas", "numpy"):  # sqlite_utils loads them where they are installed: 90 MB that serve nothing
        from sqlite_utils import Database as Utils
        from sqlite_utils.db import NoTable

    try:
        for name, shape in _TABLES.items():
            table: Any = Utils(connection).table(name)
            table.drop(ignore=True)
            table.create(shape(), pk="name")
    except NoTable as error:  # a view of that name
        raise sqlite3.DatabaseError(str(error)) from None
    if not connection.in_transaction:
        connection.execute("begin immediate")


@contextlib.contextmanager
def _unavailable(*names: str) -> Iterator[None]:
    """Make imports of packages that were not imported yet fail, as if they were not installed."""
    absent: dict[str, Any] = dict.fromkeys(name for name in names if name not in sys.modules)
    sys.modules.update(absent)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@cache
def _upsert(table: str) -> str:
    names = [f'"{name}"' for name in _TABLES[table]()]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names)
    places = ", ".join("?" for _ in names)
    return f"insert into {table} ({', '.join(names)}) values ({places}) on conflict (name) do update set {changes}"


@cache
def _layout() -> int:
    """Return a checksum of the columns. It is part of every row's, so a row packed with other columns is rejected."""
    return zlib.crc32(repr(tuple(columns())).encode())


def _loaded(database: sqlite3.Connection) -> Loaded | None:
    """Return what is in the database; None if rows were added or removed by another program."""
    ((count,),) = database.execute("select count(*) from runs")
    marks, found = read_marks(database), 0
    loaded = Loaded({}, {}, read_look(database))
    for (data,) in database.execute("select row from packed"):
        found += 1
        if (row := _unpacked(data)) is None:
            continue
        name = row["name"]
        loaded.rows[name] = row
        mark, checksum = marks.get(name, ("", 0))
        if mark and checksum == _checksum(data):  # else an older version wrote the row, and not its mark
            loaded.marks[name] = mark
    return loaded if found == count else None


def _drop_unpacked(connection: sqlite3.Connection) -> None:
    """Delete from `runs` what another program added: while it is there, no row is taken from the database."""
    counts = [connection.execute(f"select count(*) from {table}").fetchone() for table in _TABLES]
    if counts[0] != counts[1]:
        connection.execute("delete from runs where name not in (select name from packed)")


def _whole_rows(database: sqlite3.Connection, names: Iterable[str]) -> dict[str, Row] | None:
    rows: dict[str, Row] = {}
    for name in names:
        found = database.execute("select row from packed where name = ?", (name,)).fetchone()
        row = _unpacked(found[0]) if found is not None else None
        if row is None:
            return None
        rows[name] = row
    return rows


def _packed_and_summed(rows: Iterable[Row], sums: dict[str, int]) -> Iterator[tuple[str, bytes]]:
    """Yield each row's name and the row packed, never all at once, and note their checksums."""
    for row in rows:
        data = _packed(row)
        sums[row["name"]] = _checksum(data)
        yield row["name"], data


def _checksum(packed: bytes) -> int:
    return int.from_bytes(packed[:4], "little")


def _packed(row: Row) -> bytes:
    """Return the row's values after a checksum, because a damaged page can still be readable."""
    data = msgspec.msgpack.encode([row[key] for key in columns()])
    return zlib.crc32(data, _layout()).to_bytes(4, "little") + data


_decode = msgspec.msgpack.Decoder(list[Any]).decode


def _unpacked(data: Any) -> Row | None:
    if not isinstance(data, bytes) or zlib.crc32(data[4:], _layout()).to_bytes(4, "little") != data[:4]:
        return None
    return dict(zip(columns(), _decode(data[4:]), strict=True))
