"""F42: a start that was given up is ended: what was called a failure does not train after all."""

from __future__ import annotations

import sys

import pytest

from simclr_tui.errors import StoreError
from simclr_tui.launch import start as starting
from simclr_tui.launch.start import resume, start
from simclr_tui.store.store import Store
from tests.run_factory import make_run
from tests.training import tiny_plan, until


def test_a_supervisor_that_is_too_slow_is_ended(tmp_path, monkeypatch, fault):
    fault("F42", 1, "start slower than it may be")
    slow, begun = tmp_path / "python", tmp_path / "begun"
    slow.write_text(f'#!/bin/sh\necho $$ >> {begun}\nsleep 5\nexec {sys.executable} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))
    monkeypatch.setattr(starting, "_READY_WITHIN", 0.3)
    with pytest.raises(StoreError, match="run1 could not be started"):
        start(Store(tmp_path / "runs"), tiny_plan())
    assert not (tmp_path / "runs" / "run1").exists()
    stopped = make_run(tmp_path / "runs", "mine", state="stopped")
    with pytest.raises(StoreError, match="mine could not be started"):
        resume(stopped)
    for pid in begun.read_text().split():
        until(lambda pid=pid: not starting_process_lives(pid), what="the slow ones to be ended")
    assert stopped.status.process is None


def starting_process_lives(pid):
    import psutil

    return psutil.pid_exists(int(pid)) and psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
