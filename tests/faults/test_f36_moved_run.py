"""F36: a run is known by what it is and not by its path: whatever takes the path keeps what is its own."""

from __future__ import annotations

import shutil

import pytest

from simclr_tui.errors import ExitCode
from simclr_tui.launch.metadata import Metadata
from simclr_tui.launch.start import create, resume, start
from simclr_tui.launch.stop import kill, wait_until_ended
from simclr_tui.store import checkpoints
from simclr_tui.store.run import Run
from simclr_tui.store.state import read_state
from simclr_tui.store.store import Store
from tests.training import assert_same, metric_table, tiny_plan, tiny_run, train_in_process, until

LONG = {"epochs": 100_000, "knn_every": 0, "checkpoint_every": 2}


def trains(run, step=20):
    until(lambda: run.status.step >= step and run.checkpoints, what=f"{run.name} to train")
    return run.status.supervisor


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


def test_a_moved_run_ends_where_it_lies_and_its_name_is_free(store, fault):
    for number in range(fault("F36", 20, "runs moved while they train, and their name used again", few=1)):
        old = start(store, tiny_plan(**LONG), Metadata(name="same"))
        trains(old)
        moved = old.path.rename(store.root / f"moved{number}")
        new = create(store, tiny_plan(seed=7), Metadata(name="same"))
        before = {path: path.read_bytes() for path in new.path.rglob("*") if path.is_file()}
        status = wait_until_ended(Run(moved), 60)
        assert (status.state, status.exit_code) == ("failed", ExitCode.STORE)
        assert f"was moved to {moved} while it trained — continue from its last checkpoint" in status.reason
        assert Run(moved).events[-1].event == "failed"
        assert {path: path.read_bytes() for path in new.path.rglob("*") if path.is_file()} == before
        assert train_in_process(new).returncode == ExitCode.OK
        untouched = tiny_run(store.root / f"untouched{number}", seed=7)
        assert train_in_process(untouched).returncode == ExitCode.OK
        assert_same(new, untouched)
        shutil.rmtree(new.path)
        assert resume(Run(moved)) == 2  # it lost nothing but its name
        trains(Run(moved), step=read_state(Run(moved).paths).step + 10)
        kill(Run(moved))


def test_a_deleted_run_ends_and_leaves_nothing(store, fault):
    fault("F36", 1, "run deleted while it trains")
    run = start(store, tiny_plan(**LONG))
    trainer = trains(run) and run.status.process
    until(lambda: shutil.rmtree(run.path, ignore_errors=True) or not run.path.exists(), what="the folder to be gone")
    from simclr_tui.store.process import is_alive

    until(lambda: not is_alive(trainer), what="the trainer to end")
    assert store.names() == []
    assert not run.path.exists()


def test_a_checkpoint_of_another_run_is_never_gone_on_from(tmp_path, fault):
    fault("F36", 1, "run that found a stranger's checkpoints")
    stranger, run = tiny_run(tmp_path / "a"), tiny_run(tmp_path / "b", seed=5)
    assert train_in_process(stranger).returncode == ExitCode.OK
    shutil.copytree(stranger.paths.checkpoints, run.paths.checkpoints, dirs_exist_ok=True)
    assert checkpoints.load(run.paths, run.checkpoints[0]).endswith("was saved by another run")
    done = train_in_process(run)
    assert done.returncode == ExitCode.CHECKPOINT
    assert "was saved by another run" in run.status.reason
    assert metric_table(run) == {}
