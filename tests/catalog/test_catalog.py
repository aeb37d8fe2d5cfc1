"""The index: its rows are the folders, whatever happens to the database."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from simclr_tui.catalog import catalog as module
from simclr_tui.catalog import database as database_module
from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.row import EVALUATED, OWN, SUMMARY, Row, columns, differing, make_row, public
from simclr_tui.recipe.fields import differ, fields
from simclr_tui.store.run import Run
from simclr_tui.store.state import State, write_state
from simclr_tui.store.store import Store
from tests.run_factory import make_run


def twelve_runs(root: Path) -> Store:
    """Runs that differ in every kind of column."""
    """Twelve runs of different recipes and states."""
    for number in range(1, 13):
        make_run(
            root,
            flags={"seed": number, "temp": number / 10, "head_bn": number % 2 == 0},
            created=float(number),
            tags=["paper", "a b"] if number % 3 == 0 else [],
            note=f"note {number} — ü 語 ' \" ; drop table runs",
            state="failed" if number == 7 else "finished",
            reason="NaN\n\x1b[31m" if number == 7 else "",
            exit_code=6 if number == 7 else 0,
            step=number * 10,
            steps=200,
            summary={"knn": number / 20, "loss": 5.5 - number / 10},
        )
    return Store(root)


@pytest.fixture
def store(tmp_path) -> Store:
    return twelve_runs(tmp_path / "runs")


def fresh(store: Store) -> list[Row]:
    """What the folders say, read without any database."""
    rows = [make_row(store.run(name), "") for name in store.names()]
    return [plain(row) for row in rows]


def plain(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "fingerprint"}


def rows_of(catalog: Catalog, budget: float | None = None) -> list[Row]:
    return [plain(row) for row in catalog.rows(budget)]


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The names of the runs whose folders are read."""
    names: list[str] = []

    def counted(run: Run, fingerprint: str) -> Row:
        names.append(run.name)
        return make_row(run, fingerprint)

    monkeypatch.setattr(module, "make_row", counted)
    return names


def in_database(store: Store) -> dict[str, Row]:
    with sqlite3.connect(store.root / "catalog.db") as database:
        database.row_factory = sqlite3.Row
        assert database.execute("pragma integrity_check").fetchone()[0] == "ok"
        found = {row["name"]: dict(row) for row in database.execute("select * from runs")}
    database.close()
    return found


def test_no_two_columns_share_a_name_even_to_sqlite():
    names = [*OWN, *(item.short for item in fields()), *SUMMARY, *EVALUATED]
    assert len({name.lower() for name in names}) == len(names) == len(columns())


def test_rows_are_the_folders_in_the_order_a_person_expects(store):
    rows = rows_of(Catalog(store))
    assert rows == fresh(store)
    assert [row["name"] for row in rows] == [f"run{number}" for number in range(1, 13)]
    assert rows[6]["state"] == "failed"
    assert rows[2]["tags"] == "paper,a b"
    assert rows[0]["head_bn"] is False
    assert rows_of(Catalog(store)) == rows, "from the database"


def test_a_store_that_does_not_exist_has_no_rows_and_is_not_made(tmp_path):
    assert Catalog(Store(tmp_path / "none")).rows() == []
    assert not (tmp_path / "none").exists()


def test_only_changed_folders_are_read_again(store, reads):
    catalog = Catalog(store)
    catalog.rows()
    assert sorted(reads) == sorted(store.names())
    reads.clear()
    catalog.rows()
    Catalog(store).rows()
    assert reads == []
    run = store.run("run5")
    run.write_info(msgspec.structs.replace(run.info, note="changed"))
    write_state(store.run("run9").paths, State(state="stopped", since=1.0, step=77))
    assert {row["name"]: row["note"] for row in catalog.rows()}["run5"] == "changed"
    assert reads == ["run5", "run9"]
    assert in_database(store)["run9"]["step"] == 77
    assert in_database(store)["run5"]["note"] == "changed"
    reads.clear()
    assert rows_of(Catalog(store)) == fresh(store)
    assert reads == []


def test_runs_that_come_and_go(store):
    catalog = Catalog(store)
    catalog.rows()
    store.remove(store.run("run3"))
    make_run(store.root, "zebra")
    assert rows_of(catalog) == fresh(store)
    assert in_database(store).keys() == set(store.names())
    assert "run3" not in in_database(store)


def test_a_small_budget_gets_there_in_a_few_calls(store, reads):
    catalog = Catalog(store)
    seen = []
    for _ in range(12):
        seen.append(len(catalog.rows(budget=0.0)))
    assert seen[0] >= 1
    assert seen == sorted(seen)
    assert rows_of(catalog) == fresh(store)
    assert sorted(reads) == sorted(store.names()), "each is read once"


def test_a_run_that_is_alive_is_told_as_it_is_now(store):
    catalog = Catalog(store)
    write_state(store.run("run1").paths, State(state="running", since=1.0, step=3))
    row = catalog.rows()[0]
    assert (row["state"], row["reason"]) == ("lost", "its process disappeared")
    assert in_database(store)["run1"]["state"] == "running", "what is true only now is not stored"


def test_a_folder_that_cannot_be_read_is_a_row_that_says_why(store):
    store.run("run1").paths.info.write_bytes(b"\xff{")
    store.run("run2").paths.recipe.write_text("[recipe]\nlr = 'x'")
    store.run("run3").paths.state.write_bytes(b"[" * 100_000)
    store.run("run4").paths.info.write_bytes(b'{"format": 99, "version": "7"}')
    rows = {row["name"]: row for row in Catalog(store).rows()}
    assert len(rows) == 12
    for name, word in (("run1", "run.json"), ("run2", "recipe.toml"), ("run4", "newer")):
        assert rows[name]["state"] == "lost"
        assert word in rows[name]["error"]
    state = rows["run3"]  # that of its events and checkpoints: the run can be resumed
    assert (state["state"], state["error"]) == ("lost", "")
    assert "state.json was damaged" in state["reason"]
    assert rows_of(Catalog(store)) == fresh(store)
    store.run("run2").paths.recipe.write_bytes(store.run("run5").paths.recipe.read_bytes())
    assert {row["name"]: row["error"] for row in Catalog(store).rows()}["run2"] == "", "mended, and noticed"


def test_what_could_not_be_read_for_a_moment_is_read_again_though_nothing_changed(store):
    path = store.run("run1").paths.info
    content, times = path.read_bytes(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    for now, readable in ((b"\xff" * len(content), False), (content, True)):  # as after an error of the disk
        path.write_bytes(now)
        os.utime(path, ns=times)
        assert (Catalog(store).rows()[0]["error"] == "") is readable
    assert in_database(store)["run1"]["error"] == ""


@pytest.mark.parametrize(
    "content", [b"", bytes(8192), b"not a database", b"SQLite format 3\0" + b"\xff" * 4080, b"\0"], ids=repr
)
def test_a_file_that_is_no_database_is_set_aside_and_rebuilt(store, content):
    (store.root / "catalog.db").write_bytes(content)
    assert rows_of(Catalog(store)) == fresh(store)
    assert in_database(store).keys() == set(store.names())


@pytest.mark.parametrize("act", [lambda store: Catalog(store).rows(), lambda store: Catalog(store).rebuild()])
@pytest.mark.parametrize("linked", [False, True])
def test_another_programs_database_is_set_aside_whole(store, tmp_path, linked, act):
    """MLflow, too, keeps a table `runs`; so may whatever a link leads to."""
    path = store.root / "catalog.db"
    theirs = tmp_path / "theirs.db" if linked else path
    with sqlite3.connect(theirs) as other:
        other.execute("create table runs (run_uuid text primary key, name text)")
        other.execute("insert into runs values ('7f', 'theirs')")
    other.close()
    before = theirs.read_bytes()
    if linked:
        path.symlink_to(theirs)
    act(store)
    (aside,) = [found for found in store.root.glob("catalog.db.*") if "journal" not in found.name]
    assert aside.read_bytes() == before
    assert not linked or theirs.read_bytes() == before
    assert not path.is_symlink()
    assert in_database(store).keys() == set(store.names())


def test_a_folder_in_the_databases_place_costs_speed_only(store):
    (store.root / "catalog.db").mkdir()
    assert rows_of(Catalog(store)) == fresh(store)
    assert rows_of(Catalog(store)) == fresh(store)


def test_what_a_person_changed_in_the_database_does_not_change_the_runs(store):
    Catalog(store).rows()
    with sqlite3.connect(store.root / "catalog.db") as database:
        database.execute("update runs set note = 'forged', knn = 1.0")
        database.execute("update runs set name = null where name = 'run2'")
        database.execute("update runs set name = x'00ff' where name = 'run3'")
        database.execute("insert into runs (name) values ('ghost')")
        database.execute("update runs set fingerprint = null where name = 'run4'")
    database.close()
    assert rows_of(Catalog(store)) == fresh(store)
    assert rows_of(Catalog(store)) == fresh(store)


def test_tags_and_notes_outlive_the_database(store):
    Catalog(store).rows()
    (store.root / "catalog.db").unlink()
    rows = {row["name"]: row for row in Catalog(store).rows()}
    assert rows["run3"]["tags"] == "paper,a b"
    assert rows["run3"]["note"].startswith("note 3")


@pytest.mark.parametrize("mode", ["exclusive", "immediate"])
def test_a_locked_database_costs_no_row(store, monkeypatch, mode):
    monkeypatch.setattr(database_module, "BUSY", 0.05)
    Catalog(store).rows()
    write_state(store.run("run4").paths, State(state="stopped", since=1.0, step=5))
    other = sqlite3.connect(store.root / "catalog.db", isolation_level=None)
    other.execute(f"begin {mode}")
    catalog = Catalog(store)
    assert rows_of(catalog) == fresh(store)
    other.execute("rollback")
    other.close()
    assert not list(store.root.glob("*damaged*")), "locked is not damaged"
    assert rows_of(Catalog(store)) == fresh(store)
    assert in_database(store)["run4"]["step"] == 5, "written when the lock was gone"


def test_a_newer_schema_is_read_and_kept(store):
    Catalog(store).rows()
    with sqlite3.connect(store.root / "catalog.db") as database:
        database.execute("alter table runs add column mood text default 'sunny'")
    database.close()
    write_state(store.run("run4").paths, State(state="stopped", since=1.0, step=5))
    assert rows_of(Catalog(store)) == fresh(store)
    assert in_database(store)["run4"]["mood"] == "sunny"
    assert in_database(store)["run4"]["step"] == 5


@pytest.mark.parametrize(
    "change",
    [
        "alter table runs drop column temp",
        "alter table runs drop column validation_digest; alter table runs drop column test_digest",
        "drop table runs",
        "drop table runs; create table runs (name text primary key)",
        "drop table runs; create table runs (other blob); insert into runs values (1)",
        "drop table runs; create view runs as select 1 as name",
        "create trigger stop before insert on runs begin select raise(abort, 'no'); end",
    ],
)
def test_another_schema_costs_no_row(store, change):
    Catalog(store).rows()
    with sqlite3.connect(store.root / "catalog.db") as database:
        database.executescript(change)
    database.close()
    write_state(store.run("run4").paths, State(state="stopped", since=1.0, step=5))
    make_run(store.root, "later")
    assert rows_of(Catalog(store)) == fresh(store)
    assert rows_of(Catalog(store)) == fresh(store)


def test_a_database_deleted_while_open_is_written_whole_again(store):
    catalog = Catalog(store)
    catalog.rows()
    (store.root / "catalog.db").unlink()
    write_state(store.run("run4").paths, State(state="stopped", since=1.0, step=5))
    assert rows_of(catalog) == fresh(store)
    assert in_database(store).keys() == set(store.names())


def test_rebuild_reads_every_folder_anew(store, reads):
    catalog = Catalog(store)
    catalog.rows()
    reads.clear()
    assert catalog.rebuild() == 12
    assert sorted(reads) == sorted(store.names())
    assert in_database(store).keys() == set(store.names())


def test_the_journal_of_a_damaged_database_is_not_played_back_into_the_new_one(store):
    Catalog(store).rows()
    path = store.root / "catalog.db"
    keep = path.read_bytes()
    code = (
        "import sqlite3, sys, os\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('pragma cache_size=1'); c.execute('begin')\n"
        "c.execute('update runs set note = hex(randomblob(3000))')\n"
        "os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert (store.root / "catalog.db-journal").exists()
    path.write_bytes(b"\xff" * len(keep))
    assert rows_of(Catalog(store)) == fresh(store)
    assert in_database(store).keys() == set(store.names())
    assert rows_of(Catalog(store)) == fresh(store)


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the sqlite3 shell")
def test_a_person_can_query_it(store):
    Catalog(store).rows()
    query = "select name, temp, knn, head_bn from runs where state = 'finished' order by knn desc limit 1"
    asked = ["sqlite3", "-json", str(store.root / "catalog.db"), query]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [{"name": "run12", "temp": 1.2, "knn": 0.6, "head_bn": 1}]


@pytest.mark.parametrize("name", ["a b#c?d%20e&mode=rwc", "é 語", "x;y'z"])
def test_a_store_of_any_path_has_its_index(tmp_path, name, reads):
    store = Store(tmp_path / name)
    make_run(store.root)
    Catalog(store).rows()
    assert (store.root / "catalog.db").exists()
    reads.clear()
    assert rows_of(Catalog(store)) == fresh(store)
    assert reads == [], "read from the index"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_store_whose_path_is_no_text_has_rows_all_the_same(tmp_path):
    store = Store(tmp_path / "odd\udcff")
    make_run(store.root)
    assert rows_of(Catalog(store)) == fresh(store)


def test_a_store_that_cannot_be_written_has_rows_all_the_same(store):
    code = """
import os, sys, urllib.parse, sqlite_utils
from pathlib import Path
from types import SimpleNamespace
from simclr_tui.catalog.catalog import Catalog
from simclr_tui.store.store import Store
if os.getuid() == 0: os.setgid(65534); os.setuid(65534)
print(len(Catalog(Store(Path(sys.argv[1]))).rows()))
"""
    for folder in (store.root, *store.root.parents):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o555)
    done = subprocess.run([sys.executable, "-c", code, str(store.root)], capture_output=True, text=True, check=False)
    for folder in (store.root, *store.root.parents):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    assert (done.stdout, done.stderr) == ("12\n", "")
    assert not (store.root / "catalog.db").exists()


INDEXING = """
import json, sys, time
from pathlib import Path
from types import SimpleNamespace
from simclr_tui.catalog.catalog import Catalog
from simclr_tui.store.store import Store
store = Store(Path(sys.argv[1]))
stop = Path(sys.argv[2])
looks = 0
catalog = Catalog(store)
print("looking", flush=True)
while not stop.exists() or not looks:
    catalog.rows()
    Catalog(store).rows()
    looks += 1
rows = [{k: v for k, v in row.items() if k != "fingerprint"} for row in catalog.rows()]
print(json.dumps([looks, rows]))
"""


def test_two_that_index_at_once_while_states_change_end_with_the_same_rows(store, tmp_path):
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", INDEXING, str(store.root), str(stop)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    lookers = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for looker in lookers:
        looker.stdout.readline()
    for step in range(300):
        for name in ("run2", "run6", "run11"):
            write_state(store.run(name).paths, State(state="stopped", since=1.0, step=step, steps=300))
    stop.touch()
    told = [looker.communicate(timeout=60) for looker in lookers]
    assert [error for _, error in told] == ["", ""]
    counts, rows = zip(*(json.loads(out) for out, _ in told), strict=True)
    assert min(counts) > 0
    assert rows[0] == rows[1] == fresh(store)
    assert not list(store.root.glob("*damaged*"))
    found = in_database(store)
    assert {name: found[name]["step"] for name in ("run2", "run6", "run11")} == dict.fromkeys(
        ("run2", "run6", "run11"), 299
    )


def test_the_public_row_has_lists_and_nothing_internal(store):
    row = public(Catalog(store).rows()[2])
    assert row["tags"] == ["paper", "a b"]
    assert row["flags"] == []
    assert "fingerprint" not in row
    json.dumps(row)


def test_differing_fields_are_those_in_which_rows_are_not_equal(store):
    rows = Catalog(store).rows()
    assert set(differing(rows)) == {"seed", "temp", "head_bn"}
    assert differing(rows[:1]) == []
    assert differing([]) == []


def test_differing_fields_are_found_among_values_that_are_not_known():
    """Against the definition, column by column."""
    chance, names = random.Random(21), [item.short for item in fields()]
    for _ in range(300):
        varied = set(chance.sample(names, chance.choice([0, 1, 3, len(names) - 1, len(names)])))
        unknown = set(chance.sample(names, chance.choice([0, 2, len(names)])))
        rows: list[Row] = [
            {
                name: None
                if name in unknown and chance.random() < 0.5
                else chance.randrange(2)
                if name in varied
                else 7
                for name in names
            }
            for _ in range(chance.randrange(1, 6))
        ]
        assert differing(rows) == [name for name in names if differ([row[name] for row in rows])]


def test_a_packed_row_that_was_touched_is_read_from_its_folder_again(store, reads):
    Catalog(store).rows()
    with sqlite3.connect(store.root / "catalog.db") as database:
        ((data,),) = database.execute("select row from packed where name = 'run3'")
        database.execute("update packed set row = ? where name = 'run3'", [data.replace(b"note 3", b"note 4")])
        database.execute("update packed set row = 'text' where name = 'run4'")
        database.execute("update packed set row = x'00' where name = 'run5'")
    database.close()
    reads.clear()
    assert rows_of(Catalog(store)) == fresh(store)
    assert sorted(reads) == ["run3", "run4", "run5"]
    reads.clear()
    assert rows_of(Catalog(store)) == fresh(store)
    assert reads == [], "mended"


@pytest.mark.parametrize("change", ["drop table packed", "delete from runs where name = 'run3'", "delete from packed"])
def test_rows_taken_away_by_hand_come_back(store, change):
    Catalog(store).rows()
    with sqlite3.connect(store.root / "catalog.db") as database:
        database.executescript(change)
    database.close()
    assert rows_of(Catalog(store)) == fresh(store)
    assert in_database(store).keys() == set(store.names())


def test_a_change_is_written_without_what_only_making_the_tables_needs(store):
    Catalog(store).rows()
    write_state(store.run("run4").paths, State(state="stopped", since=1.0, step=5))
    code = (
        "import sys; from pathlib import Path\n"
        "from simclr_tui.catalog.catalog import Catalog\n"
        "from simclr_tui.store.store import Store\n"
        f"Catalog(Store(Path({str(store.root)!r}))).rows()\n"
        "print('sqlite_utils' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert in_database(store)["run4"]["step"] == 5


def test_the_first_index_loads_no_packages_that_its_library_only_could_use(store):
    pytest.importorskip("pandas")
    code = (
        "import sys; from pathlib import Path\n"
        "from simclr_tui.catalog.catalog import Catalog\n"
        "from simclr_tui.store.store import Store\n"
        f"Catalog(Store(Path({str(store.root)!r}))).rows()\n"
        "print('sqlite_utils' in sys.modules, {'pandas', 'numpy'} & sys.modules.keys())\n"
        "import pandas"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True set()\n"


def test_a_look_at_a_slow_disk_leaves_the_budget_for_reading(store, monkeypatch):
    now, look = [0.0], Catalog._look

    def looks(self):
        now[0] += 60.0
        return look(self)

    monkeypatch.setattr(Catalog, "_look", looks)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert len(Catalog(store).rows(budget=0.25)) == 12
