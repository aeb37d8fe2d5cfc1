"""The table of catalog.db that a big store's listing reads in place of the rows: a few short columns per run.

It tells which folders need no second look, which runs are the newest, and which are the best of their kinds.
"""

from __future__ import annotations

import hashlib
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from simclr_tui.catalog.references import Kind, by_images, is_ranked, knn_kind
from simclr_tui.catalog.row import Row, columns
from simclr_tui.store.comparable import knn_digest
from simclr_tui.store.names import natural_key
from simclr_tui.store.state import OPEN

# The number is raised when the columns change: another version's tables are neither read nor written.
_MAKE = (
    """create table if not exists brief_2 (
        name text primary key, mark text, checksum integer,
        created real, watched integer, kind integer, images text, knn_best real
    ) without rowid""",
    "create index if not exists brief_2_created on brief_2 (created)",
    "create index if not exists brief_2_best on brief_2 (kind, images, knn_best) where knn_best is not null",
    "create table if not exists looks_2 (id integer primary key, looked real, listing text, runs integer)",
)
# The table `runs` is open to people and to older versions: whatever they write there, nothing is known of it any more.
_GUARDS = {
    f"looks_2_{act}": f"after {act} on runs begin delete from looks_2; end" for act in ("insert", "update", "delete")
}
_WRITE = "insert or replace into brief_2 values (?, ?, ?, ?, ?, ?, ?, ?)"


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

    `watched` runs can change at any time. `images` is the digest of those that kNN was measured on.
    `knn_best` is None unless the run counts among those of its kind.
    """

    created: float | None
    watched: bool
    kind: int
    images: str
    knn_best: float | None


class _Most(NamedTuple):
    """Hold the highest accuracy among runs of one kind that were measured on the same images, and their number."""

    images: str
    accuracy: float
    runs: int


@dataclass(frozen=True)
class Brief:
    """Hold the names and facts of the newest runs and of all that are watched, and the names of the best runs."""

    newest: tuple[str, ...]
    facts: dict[str, Facts]
    best: frozenset[str]


def facts_of(row: Row) -> Facts:
    """Return the facts of a row."""
    watched = row["state"] in OPEN or bool(row["error"])
    accuracy = row["knn_best"] if is_ranked(row) else None
    return Facts(row["created"], watched, _number(knn_kind(row)), knn_digest(row), accuracy)


@lru_cache(maxsize=1024)
def _number(kind: Kind) -> int:
    """Return a number that equal kinds have, and no others."""
    alike = [float(value) if isinstance(value, int | float) else value for value in kind]
    digest = hashlib.blake2b(repr(alike).encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def listing_digest(inodes: Mapping[str, int]) -> str:
    """Return a digest that changes when a run comes or goes; equal listings in another order may differ in it.

    Versions with other columns differ in it too: each leaves the columns that it does not know as they were.
    """
    text = "\n".join([repr(tuple(columns())), *[f"{inode} {name}" for name, inode in inodes.items()]])
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def make_brief(connection: sqlite3.Connection) -> None:
    """Create the tables, and the triggers that forget the look once anything is written to `runs`, where missing."""
    for statement in _MAKE:
        connection.execute(statement)
    for name, action in _GUARDS.items():
        connection.execute(f"create trigger if not exists {name} {action}")


def forget_look(connection: sqlite3.Connection) -> None:
    """Forget what the rows are true of, for a writer that does not know it."""
    for name in _GUARDS:
        connection.execute(f"drop trigger if exists {name}")
    connection.execute("drop table if exists looks_2")


def write_brief(
    connection: sqlite3.Connection,
    rows: Iterable[tuple[Row, str | None, int]],
    gone: Iterable[str],
    *,
    look: Look | None,
) -> None:
    """Write the facts of rows, each with its folder's mark and the checksum of the packed row, within a transaction.

    It comes after all that is written to `runs`, which forgets the look.
    """
    connection.executemany(_WRITE, ((row["name"], mark, checksum, *facts_of(row)) for row, mark, checksum in rows))
    connection.executemany("delete from brief_2 where name = ?", ((name,) for name in gone))
    if look is None:
        connection.execute("delete from looks_2")
    else:
        values = (look.looked, look.listing, look.runs)
        connection.execute("insert or replace into looks_2 values (1, ?, ?, ?)", values)


def read_marks(connection: sqlite3.Connection) -> dict[str, tuple[str, int]]:
    """Return the marks of the folders that need no second look while they keep them, each with its row's checksum."""
    if not _has_tables(connection):
        return {}
    found = connection.execute("select name, mark, checksum from brief_2 where mark is not null and not watched")
    return {name: (mark, checksum) for name, mark, checksum in found}


def read_look(connection: sqlite3.Connection) -> Look | None:
    """Return what the rows are known to be true of; None if that is not known."""
    if not _has_tables(connection):
        return None
    found = connection.execute("select looked, listing, runs from looks_2 where id = 1").fetchone()
    ((count,),) = connection.execute("select count(*) from brief_2")
    known = found is not None and isinstance(found[0], float) and found[2] == count  # else another program wrote here
    return Look(*found) if known else None


def read_brief(connection: sqlite3.Connection, count: int, *, most_watched: int) -> Brief | None:
    """Return the newest `count` runs and the best; None if a run has no date, or over `most_watched` are watched."""
    asked = "select name, created, watched, kind, images, knn_best from brief_2"
    watched = _facts(connection.execute(f"{asked} where watched"))
    oldest = connection.execute("select created from brief_2 order by created desc limit 1 offset ?", (count - 1,))
    ((undated,),) = connection.execute("select count(*) from brief_2 where created is null")
    if undated or len(watched) > most_watched:
        return None
    since = next((created for (created,) in oldest), -math.inf)  # of runs created at one time, all are looked at
    newest = _facts(connection.execute(f"{asked} where created >= ?", (since,)))
    names = sorted(newest, key=lambda name: (newest[name].created, natural_key(name)))[-count:]
    return Brief(tuple(names), newest | watched, read_best(connection))


def read_columns(connection: sqlite3.Connection, names: Sequence[str]) -> Iterator[tuple[str | None, list[Any]]] | None:
    """Return each run's mark (None: its folder needs a second look) and the named columns of its row in `runs`.

    Return None if nobody would have noticed that another program wrote there.
    """
    asked = "select count(*) from sqlite_master where type = 'trigger' and tbl_name = 'runs' and name in (?, ?, ?)"
    if connection.execute(asked, tuple(_GUARDS)).fetchone() != (len(_GUARDS),):
        return None
    wanted = ", ".join(f'runs."{name}"' for name in names)
    found = connection.execute(f"select mark, watched, {wanted} from runs join brief_2 using (name)")
    return ((None if watched else mark, values) for mark, watched, *values in found)


def read_best(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the best run of each kind, as `best_runs` finds them: of equals the oldest."""
    kinds: dict[int, dict[str, _Most]] = {}
    for kind, images, accuracy, runs in connection.execute(
        "select kind, images, max(knn_best), count(*) from brief_2 where knn_best is not null group by kind, images"
    ):
        kinds.setdefault(kind, {})[images] = _Most(images, accuracy, runs)
    alike = [(kind, members) for kind, found in kinds.items() for members in by_images(found).values()]
    return frozenset(
        _oldest_best(connection, kind, members) for kind, members in alike if sum(one.runs for one in members) > 1
    )


def _oldest_best(connection: sqlite3.Connection, kind: int, members: Sequence[_Most]) -> str:
    accuracy = max(one.accuracy for one in members)
    asked = "select created, name from brief_2 where kind = ? and images = ? and knn_best = ? and knn_best is not null"
    equal = [found for one in members for found in connection.execute(asked, (kind, one.images, accuracy))]
    return str(min(equal, key=lambda found: (found[0] or 0.0, natural_key(found[1])))[1])


def _facts(found: Iterable[tuple[Any, ...]]) -> dict[str, Facts]:
    return {name: Facts(created, bool(watched), *ranked) for name, created, watched, *ranked in found}


def _has_tables(connection: sqlite3.Connection) -> bool:
    asked = "select count(*) from sqlite_master where name in ('brief_2', 'looks_2') and type = 'table'"
    return bool(connection.execute(asked).fetchone() == (2,))
