"""A big store's listing takes on trust what has not changed, and is right all the same."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from simclr_tui.catalog import brief as brief_module
from simclr_tui.catalog import catalog as module
from simclr_tui.catalog.arrange import columns_read, find_order, sort_rows
from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.database import Database
from simclr_tui.catalog.filter import parse_filter
from simclr_tui.catalog.references import best_runs, ranked_by_kind
from simclr_tui.catalog.row import Row, columns
from simclr_tui.store.evaluations import save_evaluation
from simclr_tui.store.labels import edit_run
from simclr_tui.store.state import State, write_state
from simclr_tui.store.store import Store
from tests.catalog.test_catalog import INDEXING, fresh, in_database, plain, rows_of, twelve_runs
from tests.run_factory import make_run
from tests.store.test_evaluations import evaluation

SEED = 21


ASKED = (
    ("", "-created", 3), ("", "knn", 4), ("", "-name", 3), ("", "state", 5), ("", "progress", 5), ("", "place", 3),
    ("knn>0.4", "knn", 2), ("state:finished -tag:odd", "created", 0), ('"note 1"', "note", 0), ("step>=0", "-step", 0),
    ("keep_best:false", "name", 0), ("note!=x", "loss", 3), ("-knn>0.1", "elapsed", 0),
)  # fmt: skip
"""Filters, orders, and how many of the runs are asked for (0: all)."""


class Ahead:
    """The machine's clocks, the wall's some time ahead: what was written just now seems to have been long ago."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def wall(self) -> float:
        return time.time() + self.seconds

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture
def clock() -> Ahead:
    return Ahead()


@pytest.fixture
def store(tmp_path, monkeypatch) -> Store:
    """Twelve runs, which count as many."""
    monkeypatch.setattr(module, "BIG", 0)
    return twelve_runs(tmp_path / "runs")


@pytest.fixture
def looked_at(monkeypatch) -> list[str]:
    """The names of the runs whose files were looked at."""
    names: list[str] = []

    def counted(root: str, look: Callable[[str], str | None] = module.fingerprint) -> str | None:
        names.append(root.rpartition("/")[2])
        return look(root)

    monkeypatch.setattr(module, "fingerprint", counted)
    return names


def tick(store: Store) -> None:
    """Wait until the clock of the file system ticks: what changes next changes at another time."""
    probe = store.root / ".probe"
    probe.touch()
    before = probe.stat().st_ctime_ns
    while probe.stat().st_ctime_ns == before:
        os.utime(probe)


def indexed(store: Store, clock: Ahead) -> Catalog:
    catalog = Catalog(store, clock=clock)
    catalog.rows()
    tick(store)
    return catalog


def expected(store: Store) -> list[Row]:
    """What the folders say, with what is true only now."""
    live = Catalog(store)._live
    return [plain(live(row)) for row in fresh(store)]


def asked_for(filter: str, order: str, limit: int) -> tuple[Callable[[list[Row]], list[Row]], frozenset[str]]:
    """Return what `ls` would choose, and the columns that it takes to choose."""
    passes, (column, descending) = parse_filter(filter), find_order(order)

    def choose(rows: list[Row]) -> list[Row]:
        return sort_rows([row for row in rows if passes(row)], column, descending)[: limit or None]

    assert passes.reads is not None
    return choose, passes.reads | columns_read(column)


def assert_picked(store: Store, clock: Ahead) -> int:
    """Check each of `ASKED` against the rows of all runs; return how many were answered without them."""
    every = Catalog(store, clock=clock).rows()
    answered = 0
    for asked in ASKED:
        choose, needed = asked_for(*asked)
        some = Catalog(store, clock=clock).pick(choose, needed)
        if some is not None:
            answered += 1
            assert [plain(row) for row in some.rows] == [plain(row) for row in choose(every)], asked
            assert some.best == best_runs(ranked_by_kind(every))
    return answered


def test_folders_that_keep_their_marks_are_not_looked_at_again(store, clock, looked_at):
    catalog = indexed(store, clock)
    assert set(looked_at) == set(store.names())
    looked_at.clear()
    assert rows_of(catalog) == rows_of(Catalog(store, clock=clock)) == fresh(store)
    assert looked_at == []
    write_state(store.run("run4").paths, State(state="stopped", since=1.0, step=5))
    assert rows_of(catalog) == fresh(store)
    assert set(looked_at) == {"run4"}
    looked_at.clear()
    assert rows_of(Catalog(store, clock=clock)) == fresh(store)
    assert looked_at == [], "the mark was saved with the row"


def test_what_changed_a_moment_ago_is_looked_at_again(store, looked_at):
    """Another change within the same tick of the file system's clock would leave the same mark."""
    now, at = Ahead(), time.time()
    now.wall = lambda: at  # however long the looks take
    catalog = Catalog(store, clock=now)
    catalog.rows()
    looked_at.clear()
    catalog.rows()
    assert set(looked_at) == set(store.names())


def test_a_small_store_is_looked_at_whole_each_time(tmp_path, clock, looked_at):
    store = twelve_runs(tmp_path / "runs")
    for _ in range(2):
        looked_at.clear()
        assert Catalog(store, clock=clock).newest(3) is None
        assert rows_of(Catalog(store, clock=clock)) == fresh(store)
        assert len(looked_at) >= 12
    with sqlite3.connect(store.root / "catalog.db") as database:
        assert {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")} == {
            "runs",
            "packed",
        }
    database.close()


def replaced(store: Store) -> None:
    shutil.rmtree(store.root / "run3")
    make_run(store.root, "run3", created=99.0)


def recipe_of_another(store: Store) -> None:
    other, mine = store.run("run5").paths.recipe, store.run("run3").paths.recipe
    copy = mine.with_name("copy")
    copy.write_bytes(other.read_bytes())
    copy.rename(mine)


def led_elsewhere(store: Store) -> None:
    """A run folder that is a link, which then leads to another folder."""
    aside = store.root.with_name("aside")
    store.run("run3").path.rename(aside)
    (store.root / "run3").symlink_to(aside)


def swapped(store: Store) -> None:
    store.run("run3").path.rename(store.root / "x")
    store.run("run4").path.rename(store.root / "run3")


def damaged(store: Store) -> None:
    store.run("run3").paths.info.unlink()
    store.run("run3").paths.info.write_bytes(b"\xff")


CHANGES: dict[str, Callable[[Store], object]] = {
    "note": lambda store: edit_run(store, store.run("run3"), note="new"),
    "name": lambda store: edit_run(store, store.run("run3"), name="other"),
    "state": lambda store: write_state(store.run("run3").paths, State(state="failed", since=1.0, step=5)),
    "resumed": lambda store: write_state(store.run("run3").paths, State(state="queued", since=1.0)),
    "evaluation": lambda store: save_evaluation(store.run("run3").paths, evaluation()),
    "recipe": recipe_of_another,
    "trash": lambda store: store.remove(store.run("run3")),
    "removed": lambda store: shutil.rmtree(store.run("run3").path),
    "moved": lambda store: store.run("run3").path.rename(store.root / "elsewhere"),
    "swapped": swapped,
    "replaced": replaced,
    "link": led_elsewhere,
    "new": lambda store: make_run(store.root, "zebra", created=99.0),
    "no run": lambda store: (store.run("run3").paths.info).unlink(),
    "damaged": damaged,
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_seen_at_once(store, clock, change):
    catalog = indexed(store, clock)
    CHANGES[change](store)
    for _ in range(2):
        for reader in (catalog, Catalog(store, clock=clock)):
            assert rows_of(reader) == expected(store)
    newest = Catalog(store, clock=clock).newest(4)
    assert newest is None or [plain(row) for row in newest.rows] == sort_rows(expected(store), "created", False)[-4:]
    assert_picked(store, clock)


def test_what_was_edited_in_place_is_seen_within_a_minute_and_at_once_by_reindex(store, clock):
    catalog = indexed(store, clock)
    path = store.run("run3").paths.info
    path.write_bytes(path.read_bytes().replace(b"note 3", b"note 4"))
    clock.seconds += 59.0
    assert [row for row in rows_of(catalog) if row not in fresh(store)], "taken on trust"
    clock.seconds += 2.0
    assert rows_of(Catalog(store, clock=clock)) == fresh(store)
    assert rows_of(catalog) == fresh(store)
    path.write_bytes(path.read_bytes().replace(b"note 4", b"note 5"))
    assert Catalog(store, clock=clock).rebuild() == 12
    assert rows_of(Catalog(store, clock=clock)) == fresh(store)


def test_a_clock_that_was_set_back_makes_no_look_good_for_longer(store, clock):
    catalog = indexed(store, clock)
    path = store.run("run3").paths.info
    path.write_bytes(path.read_bytes().replace(b"note 3", b"note 4"))
    clock.seconds -= 50.0
    for reader in (Catalog(store, clock=clock), catalog):
        assert rows_of(reader) == fresh(store)


def test_the_newest_are_those_of_the_whole_listing(store, clock):
    for number in (1, 2, 9, 10):
        make_run(store.root, f"same{number}", created=9.0, summary={"knn": 0.9, "knn_best": 0.9})
    rows = indexed(store, clock).rows()
    for count in (1, 3, 5, 7, 16, 100):
        newest = Catalog(store, clock=clock).newest(count)
        assert newest is not None
        assert newest.rows == sort_rows(rows, "created", False)[-count:]
        assert newest.best == best_runs(ranked_by_kind(rows)) == {"same1"}


def test_the_best_of_the_newest_are_those_of_each_set_of_held_out_images(store, clock):
    for number, digest in enumerate(["", "x", "x", "y", "y", "z"]):
        facts = {"validation_digest": digest} if digest else {}
        make_run(store.root, f"on{digest}{number}", summary={"knn_best": 0.8 + number / 100}, facts=facts)
    rows = indexed(store, clock).rows()
    newest = Catalog(store, clock=clock).newest(3)
    assert newest is not None
    assert newest.best == best_runs(ranked_by_kind(rows)) >= {"onx2", "ony4"}
    assert "onz5" not in newest.best, "it is alone on its images"


def test_the_newest_are_found_without_the_rows_of_the_others(store, clock, looked_at, monkeypatch):
    indexed(store, clock)
    looked_at.clear()
    monkeypatch.setattr(Database, "load", None)
    newest = Catalog(store, clock=clock).newest(3)
    assert newest is not None
    assert [row["name"] for row in newest.rows] == ["run10", "run11", "run12"]
    assert looked_at == ["run10", "run11", "run12"]


def test_what_a_filter_or_an_order_picks_is_what_it_picks_of_all_rows(store, clock):
    for number, figures in enumerate(
        [{"knn_best": figure} for figure in (float("nan"), float("inf"), 0.9, 0.9)] + [{}]
    ):
        make_run(store.root, f"odd{number}", created=3.0, tags=["odd"], summary={"knn": 0.2, **figures})
    make_run(store.root, "trains", state="running", created=30.0)
    for number in range(3):
        make_run(store.root, f"waits{number}", state="queued", created=40.0)
    indexed(store, clock)
    assert assert_picked(store, clock) == len(ASKED)


def test_some_runs_are_picked_without_the_rows_of_the_others(store, clock, looked_at, monkeypatch):
    indexed(store, clock)
    looked_at.clear()
    monkeypatch.setattr(Database, "load", None)
    read: list[str] = []
    real = Database.whole
    monkeypatch.setattr(Database, "whole", lambda self, names: real(self, read.extend(names) or read))
    some = Catalog(store, clock=clock).pick(*asked_for("-name:run3", "name", 3))
    assert some is not None
    assert [row["name"] for row in some.rows] == read == ["run1", "run2", "run4"]
    assert looked_at == [], "all folders keep their marks"


def test_what_changed_a_moment_ago_is_picked_by_what_it_is_now(store, clock):
    indexed(store, clock)
    edit_run(store, store.run("run3"), note="pick me", add=["best"])
    some = Catalog(store, clock=clock).pick(*asked_for("tag:best", "name", 3))
    assert some is not None
    assert [(row["name"], row["note"]) for row in some.rows] == [("run3", "pick me")]


@pytest.mark.parametrize(
    "change",
    [
        "update runs set note = 'by hand' where name = 'run3'",
        "delete from runs where name = 'run3'",
        "insert into runs (name, state) values ('made up', 'finished')",
        "drop trigger looks_2_update; update runs set note = 'by hand'",
    ],
)
def test_what_a_person_writes_into_the_database_picks_nothing(store, clock, change):
    indexed(store, clock)
    asked = asked_for("note:x", "name", 0)
    assert Catalog(store, clock=clock).pick(*asked) is not None
    with sqlite3.connect(store.root / "catalog.db") as database:
        database.executescript(change)
    database.close()
    assert Catalog(store, clock=clock).pick(*asked) is None
    write_state(store.run("run7").paths, State(state="stopped", since=1.0, step=5))
    assert rows_of(Catalog(store, clock=clock)) == fresh(store)
    assert in_database(store).keys() == set(store.names())


def test_the_look_of_a_version_with_other_columns_is_not_taken_over(store, clock, monkeypatch):
    indexed(store, clock)
    asked = asked_for("note:x", "name", 0)
    assert Catalog(store, clock=clock).pick(*asked) is not None
    fewer = {name: kind for name, kind in columns().items() if name != "trial"}
    monkeypatch.setattr(brief_module, "columns", lambda: fewer)
    assert Catalog(store, clock=clock).pick(*asked) is None
    assert Catalog(store, clock=clock).newest(3) is None


def test_a_figure_that_is_searched_as_text_is_not_left_to_the_database():
    assert parse_filter("knn~0.5").reads is None
    assert parse_filter("note~5 knn>0.5 word").reads == {"note", "knn", "name", "tags", "data", "preset"}


def test_the_newest_show_what_changed_without_an_index(store, clock):
    indexed(store, clock)
    path = store.run("run12").paths.info
    path.write_bytes(path.read_bytes().replace(b"note 12", b"note 21"))
    newest = Catalog(store, clock=clock).newest(3)
    assert newest is not None
    assert [plain(row) for row in newest.rows] == fresh(store)[-3:]


def test_the_newest_are_not_told_where_only_a_look_at_all_can_tell(store, clock):
    make_run(store.root, "good", created=50.0, summary={"knn_best": 0.9})
    indexed(store, clock)

    def newest() -> object:
        return Catalog(store, clock=clock).newest(3)

    assert newest() is not None
    write_state(store.run("good").paths, State(state="failed", since=1.0))
    assert newest() is None, "it may have been the best"
    Catalog(store, clock=clock).rows()
    assert newest() is not None
    make_run(store.root, "later", created=99.0)
    assert newest() is None
    Catalog(store, clock=clock).rows()
    assert newest() is not None
    clock.seconds += 61.0
    assert newest() is None
    Catalog(store, clock=clock).rows()
    for number in range(module._MOST_WATCHED + 1):
        make_run(store.root, f"waits{number}", state="queued")
    Catalog(store, clock=clock).rows()
    assert newest() is None


@pytest.mark.parametrize(
    "change",
    [
        "drop table brief_2",
        "drop table looks_2",
        "drop table brief_2; create view brief_2 as select 1 as name",
        "delete from brief_2 where name = 'run3'",
        "delete from packed where name = 'run3'; delete from runs where name = 'run3'",
        "update brief_2 set mark = null",
        "update brief_2 set checksum = checksum + 1",
        "update packed set row = x'00' where name = 'run12'",
        "update looks_2 set looked = 'text', runs = x'ff'",
    ],
)
def test_what_is_known_of_a_big_store_can_be_lost(store, clock, change):
    catalog = indexed(store, clock)
    with sqlite3.connect(store.root / "catalog.db") as database:
        database.executescript(change)
    database.close()
    for _ in range(2):
        newest = Catalog(store, clock=clock).newest(3)
        assert newest is None or [plain(row) for row in newest.rows] == fresh(store)[-3:]
        assert_picked(store, clock)
        for reader in (Catalog(store, clock=clock), catalog):
            assert rows_of(reader) == fresh(store)
        write_state(store.run("run7").paths, State(state="stopped", since=1.0, step=5))
    assert in_database(store).keys() == set(store.names())


def test_a_row_that_an_older_version_wrote_late_is_not_trusted(store, clock):
    """As 0.1 does it: a row that was read before a change is saved after it."""
    catalog = Catalog(store, clock=clock)
    old = next(row for row in catalog.rows() if row["name"] == "run4")
    tick(store)
    write_state(store.run("run4").paths, State(state="stopped", since=1.0, step=5))
    catalog.rows()
    Database(store.root, lambda _: old["fingerprint"]).save([old], [], list)
    assert in_database(store)["run4"]["state"] == "finished"
    for reader in (Catalog(store, clock=clock), catalog, Catalog(store, clock=clock)):
        assert rows_of(reader) == fresh(store)


def test_a_save_that_fails_is_made_up_for(store, clock, monkeypatch):
    catalog = indexed(store, clock)
    with monkeypatch.context() as patched:
        patched.setattr(Database, "_write", failing)
        write_state(store.run("run4").paths, State(state="stopped", since=1.0, step=5))
        store.remove(store.run("run12"))
        assert rows_of(catalog) == rows_of(Catalog(store, clock=clock)) == fresh(store)
    assert rows_of(catalog) == fresh(store)
    assert in_database(store)["run4"]["step"] == 5
    assert "run12" not in in_database(store)


def failing(*_: object, **__: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_a_small_budget_gets_there_in_a_few_calls(store, clock):
    catalog = Catalog(store, clock=clock)
    for count in range(1, 13):
        assert len(catalog.rows(budget=0.0)) == count
        assert (Catalog(store, clock=clock).newest(3) is None) is (count < 12), "not all of them are known"
    assert rows_of(catalog) == rows_of(Catalog(store, clock=clock)) == fresh(store)


def test_a_store_that_was_big_for_a_while_is_looked_at_whole(store, clock, monkeypatch):
    catalog = indexed(store, clock)
    aside = store.run("run3").path.rename(store.root.with_name("aside"))
    monkeypatch.setattr(module, "BIG", 11)
    catalog.rows()
    aside.rename(store.root / "run3")
    monkeypatch.setattr(module, "BIG", 0)
    assert Catalog(store, clock=clock).newest(3) is None
    assert rows_of(Catalog(store, clock=clock)) == rows_of(catalog) == fresh(store)


def test_a_writer_killed_at_any_of_its_rows_leaves_no_wrong_row(store, clock, fault):
    indexed(store, clock)
    for number in range(fault("F9", 12, "kills of a writer of a big store's index")):
        edit_run(store, store.run("run5"), note=f"note {number}")
        write_state(store.run(f"run{number % 12 + 1}").paths, State(state="stopped", since=1.0, step=number))
        if (child := os.fork()) == 0:
            try:
                left, facts_of = [number % 4], brief_module.facts_of

                def counted(row, left=left, facts_of=facts_of):
                    left[0] -= 1
                    if left[0] < 0:
                        os.kill(os.getpid(), 9)
                    return facts_of(row)

                brief_module.facts_of = counted
                Catalog(store, clock=clock).rows()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert rows_of(Catalog(store, clock=clock)) == fresh(store)
        newest = Catalog(store, clock=clock).newest(3)
        assert newest is None or [plain(row) for row in newest.rows] == fresh(store)[-3:]
    assert in_database(store).keys() == set(store.names())


def test_any_order_of_changes_and_readers_ends_with_the_rows_of_the_folders(store, clock, fault):
    count = fault("F9", 150, "changes to a big store, three readers after each", SEED)
    chance, made = random.Random(SEED), 0
    lasting = [Catalog(store, clock=clock) for _ in range(2)]
    told = picked = 0
    for number in range(count):
        names = store.names()
        run = store.run(chance.choice(names))
        kind = chance.randrange(8)
        tick(store)
        if kind < 3:
            state = chance.choice(["finished", "failed", "starting", "running"])
            write_state(
                run.paths,
                State(
                    state=state,
                    since=1.0,
                    step=number,
                    summary={"knn": 0.5, "knn_best": number / 150},
                    facts=chance.choice([{}, {"validation_digest": "x"}, {"validation_digest": "y"}]),
                ),
            )
        elif kind == 3:
            run.write_info(msgspec.structs.replace(run.info, note=f"note {number}"))
        elif kind == 4:
            made += 1
            make_run(store.root, f"made{made}", created=float(chance.randrange(99)))
        elif kind == 5 and len(names) > 6:
            shutil.rmtree(run.path)
        elif kind == 6:
            run.path.rename(store.root / f"moved{number}")
        clock.seconds += chance.choice([0, 0.5, 5, 30, 61])
        now = expected(store)
        for reader in (chance.choice(lasting), Catalog(store, clock=clock)):
            assert rows_of(reader) == now, (number, kind)
        newest = Catalog(store, clock=clock).newest(4)
        if newest is not None:
            told += 1
            assert [plain(row) for row in newest.rows] == sort_rows(now, "created", False)[-4:], (number, kind)
            assert newest.best == best_runs(ranked_by_kind(now)), (number, kind)
        picked += bool(assert_picked(store, clock))
    assert told > count // 2
    assert picked > count // 2


def test_processes_that_index_at_once_while_states_change_end_with_the_same_rows(store, tmp_path):
    stop = tmp_path / "stop"
    code = "from simclr_tui.catalog import catalog as module\nmodule.BIG = 0\n" + INDEXING
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    lookers = [subprocess.Popen([sys.executable, "-c", code, str(store.root), str(stop)], **pipes) for _ in range(2)]
    try:
        for looker in lookers:
            looker.stdout.readline()
        for step in range(200):
            for name in ("run2", "run6", "run11"):
                write_state(store.run(name).paths, State(state="stopped", since=1.0, step=step, steps=300))
        stop.touch()
        told = [looker.communicate(timeout=120) for looker in lookers]
    finally:
        for looker in lookers:
            looker.kill()
            looker.wait()
    assert [error for _, error in told] == ["", ""]
    for out, _ in told:
        assert json.loads(out)[1] == fresh(store)
    assert rows_of(Catalog(store)) == fresh(store)


@pytest.mark.parametrize(
    ("words", "order"), [(None, "created"), (None, "knn"), (["knn>0.1"], "-name"), (["run1"], "created")]
)
def test_simclr_ls_shows_the_same_lines_either_way(tmp_path, monkeypatch, capsys, words, order):
    from simclr_tui.cli.commands.ls import ls

    store, ahead = twelve_runs(tmp_path / "runs"), Ahead()
    shown = []
    for big in (2_000, 0):
        monkeypatch.setattr(module, "BIG", big)
        if not big:
            monkeypatch.setattr(module.SYSTEM_CLOCK, "wall", ahead.wall)
            Catalog(store).rows()
            assert Catalog(store).newest(5) is not None
            monkeypatch.setattr(Catalog, "rows", None)
        for json_ in (False, True):
            ls(limit=5, json=json_, runs=Path(store.root), words=words, sort=order, group=None, shown="", wide=True)
            shown.append(capsys.readouterr())
    assert shown[:2] == shown[2:]
    assert "run12" in shown[0].out
