"""Threads of a trainer sleep while they wait where others need the cores, unless its user wants it otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from simclr_tui.launch import several
from simclr_tui.launch.several import trainer_environment
from tests.training import tiny_run, until


@pytest.fixture
def others():
    """Programs that keep every core busy."""
    spin = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(spin) for _ in range(os.cpu_count() or 1)]
    until(lambda: psutil.cpu_percent(0.1) > 50)
    yield
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize("gpus", ["1", "2"])
def test_idle_threads_leave_their_cores_to_others(tmp_path, monkeypatch, others, gpus):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    environment = trainer_environment(tiny_run(tmp_path, gpus=gpus))
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"
    assert environment.get("OMP_NUM_THREADS") == (None if gpus == "1" else "1")


def test_a_run_that_has_the_machine_to_itself_lets_them_spin(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setattr(several, "_BUSY", 101.0)  # percent: quiet, whatever else is tested here
    assert "OMP_WAIT_POLICY" not in trainer_environment(tiny_run(tmp_path))


def test_what_the_user_has_set_stays(tmp_path, monkeypatch, others):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    environment = trainer_environment(tiny_run(tmp_path, gpus="2"))
    assert (environment["OMP_WAIT_POLICY"], environment["OMP_NUM_THREADS"]) == ("ACTIVE", "3")
