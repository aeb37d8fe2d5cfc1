"""The table of catalog.db that a big store's listing reads in place of the rows: a few short columns per run.

It tells which folders need no second look, which runs are the newest, and which are the best of their kinds.
"""

from __future__ import annotations

import hashlib
import math
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from simclr_tui.catalog.references import Kind, is_ranked, knn_kind
from simclr_tui.catalog.row import Row
from simclr_tui.store.names import natural_key
from simclr_tui.store.state import OPEN

# The number is raised when the columns change: another version's tables are neither read nor written.
_MAKE = """
create table if not exists brief_1 (
    name text primary key, mark text, checksum integer,
    created real, watched integer, kind integer, knn_best real
) without rowid;
create index if not exists brief_1_created on brief_1 (created);
create index if not exists brief_1_best on brief_1 (kind, knn_best) where knn_best is not null;
create table if not exists looks_1 (id integer primary key, looked real, listing text, runs integer);
"""
_WRITE = "insert or replace into brief_1 values (?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class Look:
    """Say what the rows are known to be true of: a listing of the store, all of whose runs were read.

    Every file of each was looked at since the wall time `looked` (s). `listing` is the digest of the listing, and
    `runs` the number of runs in it.
    """

    looked: float
    listing: str
    runs: int


class Facts(NamedTuple):
    """Hold what decides whether a run is among the newest and among the best.

    `watched` runs can change at any time. `knn_best` is None unless the run counts among those of its kind.
    """

    created: float | None
    watched: bool
    kind: int
    knn_best: float | None


@dataclass(frozen=True)
class Brief:
    """Hold the names and facts of the newest runs and of all that are watched, and the names of the best runs."""

    newest: tuple[str, ...]
    facts: dict[str, Facts]
    best: frozenset[str]


def facts_of(row: Row) -> Facts:
    """Return the facts of a row."""
    watched = row["state"] in OPEN or bool(row["error"])
    return Facts(row["created"], watched, _number(knn_kind(row)), row["knn_best"] if is_ranked(row) else None)


@lru_cache(maxsize=1024)
def _number(kind: Kind) -> int:
    """Return a number that equal kinds have, and no others."""
    alike = [float(value) if isinstance(value, int | float) else value for value in kind]
    digest = hashlib.blake2b(repr(alike).encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def listing_digest(inodes: Mapping[str, int]) -> str:
    """Return a digest that changes when a run comes or goes; equal listings in another order may differ in it."""
    text = "\n".join([f"{inode} {name}" for name, inode in inodes.items()])
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def write_brief(
    connection: sqlite3.Connection,
    rows: Iterable[tuple[Row, str | None, int]],
    gone: Iterable[str],
    *,
    look: Look | None,
) -> None:
    """Write the facts of rows, each with its folder's mark and the checksum of the packed row, within a transaction."""
    for statement in _MAKE.split(";"):
        connection.execute(statement)
    connection.executemany(_WRITE, ((row["name"], mark, checksum, *facts_of(row)) for row, mark, checksum in rows))
    connection.executemany("delete from brief_1 where name = ?", ((name,) for name in gone))
    if look is None:
        connection.execute("delete from looks_1")
    else:
        values = (look.looked, look.listing, look.runs)
        connection.execute("insert or replace into looks_1 values (1, ?, ?, ?)", values)


def read_marks(connection: sqlite3.Connection) -> dict[str, tuple[str, int]]:
    """Return the marks of the folders that need no second look while they keep them, each with its row's checksum."""
    if not _has_tables(connection):
        return {}
    found = connection.execute("select name, mark, checksum from brief_1 where mark is not null and not watched")
    return {name: (mark, checksum) for name, mark, checksum in found}


def read_look(connection: sqlite3.Connection) -> Look | None:
    """Return what the rows are known to be true of; None if that is not known."""
    if not _has_tables(connection):
        return None
    found = connection.execute("select looked, listing, runs from looks_1 where id = 1").fetchone()
    ((count,),) = connection.execute("select count(*) from brief_1")
    known = found is not None and isinstance(found[0], float) and found[2] == count  # else another program wrote here
    return Look(*found) if known else None


def read_brief(connection: sqlite3.Connection, count: int, *, most_watched: int) -> Brief | None:
    """Return the newest `count` runs and the best; None if a run has no date, or over `most_watched` are watched."""
    asked = "select name, created, watched, kind, knn_best from brief_1"
    watched = _facts(connection.execute(f"{asked} where watched"))
    oldest = connection.execute("select created from brief_1 order by created desc limit 1 offset ?", (count - 1,))
    ((undated,),) = connection.execute("select count(*) from brief_1 where created is null")
    if undated or len(watched) > most_watched:
        return None
    since = next((created for (created,) in oldest), -math.inf)  # of runs created at one time, all are looked at
    newest = _facts(connection.execute(f"{asked} where created >= ?", (since,)))
    names = sorted(newest, key=lambda name: (newest[name].created, natural_key(name)))[-count:]
    return Brief(tuple(names), newest | watched, _best(connection))


def _best(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the best run of each kind, as `best_of_kinds` finds them: of equals the oldest."""
    kinds = connection.execute(
        "select kind, max(knn_best) from brief_1 where knn_best is not null group by kind having count(*) > 1"
    )
    best: set[str] = set()
    for kind, accuracy in kinds.fetchall():
        equal = connection.execute(
            "select created, name from brief_1 where kind = ? and knn_best = ? and knn_best is not null",
            (kind, accuracy),
        )
        best.add(min(equal, key=lambda found: (found[0] or 0.0, natural_key(found[1])))[1])
    return frozenset(best)


def _facts(found: Iterable[tuple[Any, ...]]) -> dict[str, Facts]:
    return {name: Facts(created, bool(watched), kind, best) for name, created, watched, kind, best in found}


def _has_tables(connection: sqlite3.Connection) -> bool:
    asked = "select count(*) from sqlite_master where name in ('brief_1', 'looks_1') and type = 'table'"
    return bool(connection.execute(asked).fetchone() == (2,))
