"""Threads of a trainer sleep while they wait, unless its user wants it otherwise."""

from __future__ import annotations

import pytest

from simclr_tui.launch.several import trainer_environment
from tests.training import tiny_run


@pytest.mark.parametrize("gpus", ["1", "2"])
def test_idle_threads_leave_their_cores_to_others(tmp_path, monkeypatch, gpus):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    environment = trainer_environment(tiny_run(tmp_path, gpus=gpus))
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
    assert environment.get("OMP_NUM_THREADS") == (None if gpus == "1" else "1")


def test_what_the_user_has_set_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    environment = trainer_environment(tiny_run(tmp_path, gpus="2"))
    assert (environment["OMP_WAIT_POLICY"], environment["OMP_NUM_THREADS"]) == ("ACTIVE", "3")
