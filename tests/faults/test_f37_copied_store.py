"""F37: a copy of a store says of its runs what is true of the copy, and acts on nothing but the copy."""

from __future__ import annotations

import shutil

import pytest

from simclr_tui.errors import StoreError
from simclr_tui.launch.start import resume, start
from simclr_tui.launch.stop import kill, request_stop, stop
from simclr_tui.store.process import is_alive
from simclr_tui.store.store import Store
from tests.training import tiny_plan, until

LONG = {"epochs": 100_000, "knn_every": 0, "checkpoint_every": 2}


def test_a_copy_is_lost_and_goes_on_by_itself_while_the_original_trains(tmp_path, fault):
    run = start(Store(tmp_path / "runs"), tiny_plan(**LONG))
    until(lambda: run.status.step > 3 and run.checkpoints, what="it to train")
    trainer = run.status.process
    for number in range(fault("F37", 20, "copies in which a run is stopped, killed and resumed", few=1)):
        root = tmp_path / f"copy{number}"
        shutil.copytree(tmp_path / "runs", root, ignore=shutil.ignore_patterns("*.tmp"))
        copy = Store(root).run(run.name)
        assert (copy.status.state, copy.status.reason) == ("lost", "its process disappeared")
        for act in (request_stop, kill):
            with pytest.raises(StoreError, match="is not training, it is lost"):
                act(copy)
        assert resume(copy) == 2
        until(lambda copy=copy: copy.status.state == "running", what="the copy to train")
        assert copy.status.process.pid != trainer.pid
        assert stop(copy).state == "stopped"
        assert is_alive(trainer)
        assert run.status.state == "running"
    reached = run.status.step
    until(lambda: run.status.step > reached, what="the original to go on")
    assert stop(run).state == "stopped"
