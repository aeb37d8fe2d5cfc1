"""Many runs made together: what they are, how often the disk is waited for, and what a failure leaves."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from simclr_tui import atomic, deferred_sync
from simclr_tui.atomic import SystemOs
from simclr_tui.errors import StoreError
from simclr_tui.launch.metadata import UNNAMED, Metadata
from simclr_tui.launch.queue import queue
from simclr_tui.launch.queue.placement import Queue
from simclr_tui.launch.queue.queue import enqueue, enqueue_all, waiting_runs
from simclr_tui.launch.queue.together import NewRun, create_together
from simclr_tui.launch.start import create
from simclr_tui.launch.waiting import take_out
from simclr_tui.store import checkpoints
from simclr_tui.store.state import write_state
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket, read_ticket
from tests.training import tiny_plan

PLAN = tiny_plan()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


@pytest.fixture
def waits(monkeypatch):
    """Every wait for the disk, as it is made."""
    made, fsync, sync = [], SystemOs.fsync, deferred_sync.sync_file_system
    monkeypatch.setattr(SystemOs, "fsync", lambda self, fd: made.append("file") or fsync(self, fd))
    monkeypatch.setattr(deferred_sync, "sync_file_system", lambda folder: made.append("all") or sync(folder))
    return made


def left(store):
    markers = store.root / ".queue" / "tickets"
    return store.entries() + ([path.name for path in markers.iterdir()] if markers.exists() else [])


def test_runs_queued_together_are_those_queued_one_by_one(store, monkeypatch):
    monkeypatch.setattr(queue, "_TOGETHER", 3)
    first = enqueue(store, PLAN)
    runs = list(enqueue_all(store, [(PLAN, Metadata(tags=("mine",)))] * 8, after=(first.name,)))
    assert [run.name for run in runs] == [f"run{number}" for number in range(2, 10)]
    assert list(waiting_runs(store)) == store.names()
    assert [read_ticket(run.paths).position for run in (first, *runs)] == list(range(1, 10))
    assert read_ticket(runs[-1].paths).after_ids == (first.info.id,)
    assert len({run.info.id for run in runs}) == 8
    assert [event.message for event in runs[-1].events] == [f"after {first.name}"]
    assert sorted(path.name for path in runs[-1].path.iterdir()) == sorted(path.name for path in first.path.iterdir())
    assert enqueue(store, PLAN).name == "run10"
    assert atomic._held == set()


def test_many_runs_wait_for_the_disk_twice(store, waits):
    enqueue(store, PLAN)
    if not deferred_sync.sync_file_system(store.root):
        pytest.skip("this file system or kernel does not sync all in one call")
    waits.clear()
    create_together(store, [NewRun(PLAN, UNNAMED, Ticket(position=number)) for number in range(10)])
    assert waits == ["all", "all"]


def test_a_failure_leaves_no_part_of_a_run_and_holds_none(store):
    create(store, PLAN, Metadata(name="taken"))
    new = [NewRun(PLAN, Metadata(name=name), Ticket(position=1)) for name in ("one", "two", "taken", "four")]
    with pytest.raises(StoreError, match="taken already exists"):
        create_together(store, new)
    assert left(store) == ["taken"]
    assert atomic._held == set()


def test_a_disk_that_fails_as_they_settle_leaves_no_run(store, monkeypatch):
    def fails(folder):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(deferred_sync, "sync_file_system", fails)
    with pytest.raises(StoreError, match="Input/output error"):
        list(enqueue_all(store, [(PLAN, UNNAMED)] * 8))
    assert left(store) == []
    assert atomic._held == set()


def test_runs_that_were_whole_stay_when_the_disk_fails_after_that(store, monkeypatch):
    """A dispatcher may have begun them."""
    real, calls = SystemOs.replace, []

    def fails(self, source, target):
        if target.name == "run.json":
            calls.append(target)
            if len(calls) == 3:
                raise OSError(28, "No space left on device")
        real(self, source, target)

    monkeypatch.setattr(SystemOs, "replace", fails)
    with pytest.raises(StoreError, match="No space left"):
        list(enqueue_all(store, [(PLAN, UNNAMED)] * 5))
    assert store.names() == ["run1", "run2"]
    assert sorted(store.entries()) == ["run1", "run2"]
    assert [store.run(name).state for name in store.names()] == ["queued", "queued"]


def test_a_ticket_has_the_digest_of_the_recipe_that_was_written(store):
    """Which is not the one that was asked for: `--init run1` is a folder from then on."""
    start = create(store, tiny_plan())
    checkpoints.save(start.paths, b"x", step=6, epoch=1.0, recipe="", wall=0.0, version="")
    run = enqueue(store, tiny_plan(init=start.name))
    assert run.recipe.init == str(start.path.absolute())
    assert read_ticket(run.paths).recipe == hashlib.sha256(run.paths.recipe.read_bytes()).hexdigest()


def stopped(store, count):
    """Runs that were queued and taken out."""
    runs = list(enqueue_all(store, [(PLAN, UNNAMED)] * count))
    for run in runs:
        assert take_out(run)
    assert not waiting_runs(store)
    return runs


def test_runs_queued_again_share_their_waits_for_the_disk_and_keep_their_order(store, waits):
    runs = stopped(store, 20)[::-1]
    waits.clear()
    assert [run.name for run in Queue().requeue_all(runs)] == [run.name for run in runs]
    if deferred_sync.sync_file_system(store.root):
        assert waits == ["all"] * 3, "the last one by this test"
    assert list(waiting_runs(store)) == [run.name for run in runs]
    assert len({read_ticket(run.paths).position for run in runs}) == 20
    assert [run.events[-1].message for run in runs] == ["again"] * 20


def test_the_runs_before_one_that_cannot_be_queued_again_are_queued(store):
    runs = stopped(store, 4)
    write_state(runs[2].paths, msgspec.structs.replace(runs[2].status, state="finished"))
    with pytest.raises(StoreError, match="run3 cannot be queued, it is finished"):
        list(Queue().requeue_all(runs))
    assert list(waiting_runs(store)) == ["run1", "run2"]
    assert runs[3].state == "stopped"
    assert read_ticket(runs[2].paths) is read_ticket(runs[3].paths) is None
    assert not list(Queue().requeue_all([]))
