"""Threads of a trainer sleep while they wait where others need the cores, unless its user wants it otherwise."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import psutil
import pytest

from simclr_tui.launch.trainer_process import trainer_environment
from tests.training import tiny_run, until


@contextlib.contextmanager
def spinning(*words, each_core=1):
    """Programs that keep every core busy, with these words at the end of their command lines."""
    spin = [sys.executable, "-c", "while True: pass", *words]
    processes = [subprocess.Popen(spin) for _ in range(each_core * (os.cpu_count() or 1))]
    try:
        until(lambda: psutil.cpu_percent(0.1) > 90)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture
def others():
    with spinning():
        yield


@pytest.mark.parametrize("gpus", ["1", "2"])
def test_idle_threads_leave_their_cores_to_others(tmp_path, monkeypatch, others, gpus):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    run = tiny_run(tmp_path, gpus=gpus)
    # What else is tested here may have the cores at the first look.
    environment = until(lambda: (found := trainer_environment(run)).get("OMP_WAIT_POLICY") == "PASSIVE" and found)
    assert environment.get("OMP_NUM_THREADS") == (None if gpus == "1" else "1")


def test_our_own_commands_and_dashboards_are_no_others(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    with spinning("simclr_tui.cli.main", each_core=3):  # whatever else is tested here gets a quarter
        assert "OMP_WAIT_POLICY" not in trainer_environment(tiny_run(tmp_path))


def test_what_the_user_has_set_stays(tmp_path, monkeypatch, others):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    environment = trainer_environment(tiny_run(tmp_path, gpus="2"))
    assert (environment["OMP_WAIT_POLICY"], environment["OMP_NUM_THREADS"]) == ("ACTIVE", "3")
