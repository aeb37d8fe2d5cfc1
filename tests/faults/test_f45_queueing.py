"""F45: what a queued run waits for and trains with is what was meant at its queueing."""

from __future__ import annotations

from simclr_tui.launch.queue.dependencies import waits_for
from simclr_tui.launch.queue.queue import enqueue
from simclr_tui.store.labels import edit_run
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import read_ticket
from simclr_tui.sweep.folder import SweepFolder, claim_sweep, sweep_names
from tests.run_factory import make_run
from tests.training import tiny_plan


def test_after_is_the_run_and_not_its_name(tmp_path, fault):
    fault("F45", 1, "awaited run that was renamed, its name given to another")
    store = Store(tmp_path)
    first = make_run(tmp_path, "first", state="stopped")
    ticket = read_ticket(enqueue(store, tiny_plan(), after=("first",)).paths)
    edit_run(store, first, name="renamed")
    make_run(tmp_path, "first", state="finished")
    assert waits_for(store, ticket).reason == "waits for renamed, which is stopped"
    store.remove(store.run("renamed"))
    assert waits_for(store, ticket).reason == "waits for first, which is not there"


def test_data_and_caches_are_those_of_whoever_queued_it(tmp_path, monkeypatch, fault):
    fault("F45", 1, "run queued from another folder and with other data than its dispatcher has")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIMCLR_DATA", "pictures")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("SIMCLR_OFFLINE")
    kept = read_ticket(enqueue(Store(tmp_path / "runs"), tiny_plan()).paths).environment
    assert kept["SIMCLR_DATA"] == str(tmp_path / "pictures")
    assert (kept["OMP_NUM_THREADS"], kept["SIMCLR_OFFLINE"]) == ("3", "")


def test_a_sweep_that_was_killed_while_it_was_claimed_leaves_its_name_free(tmp_path, fault):
    fault("F45", 3, "claims of sweeps: abandoned, held, and of a folder of the user's", few=3)
    store = Store(tmp_path)
    abandoned = SweepFolder(store, "sweep1")
    abandoned.root.mkdir(parents=True)
    (abandoned.root / "recipe.toml").touch()
    held = SweepFolder(store, "sweep2")
    held.root.mkdir()
    held.claim_lock.acquire()
    (SweepFolder(store, "sweep3").root / "notes").mkdir(parents=True)
    claimed = [claim_sweep(store, None) for _ in range(2)]
    assert [claim.root.name for claim in claimed] == ["sweep1", "sweep4"]
    for claim in (held, *claimed):
        claim.claim_lock.release()
    assert sweep_names(store) == []
