"""F15: a trainer that is stopped or starved is called stalled, never dead; it recovers by going on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from simclr_tui.errors import StoreError
from simclr_tui.launch.start import resume
from simclr_tui.store.state import STALLED_AFTER, observe
from tests.faults.test_f13_clock import FakeClock
from tests.training import tiny_run, until


def test_a_stopped_trainer_is_stalled_and_goes_on_where_it_was(tmp_path, fault):
    times = fault("F15", 10, "SIGSTOPs of a training run", fewest=2)
    run = tiny_run(tmp_path, epochs=100_000, knn_every=0)
    trainer = subprocess.Popen([sys.executable, "-m", "simclr_tui.train", str(run.path)], stdout=subprocess.DEVNULL)
    try:
        until(lambda: run.state == "running" and run.status.step > 0, what="the first step")
        for _ in range(times):
            os.kill(trainer.pid, signal.SIGSTOP)
            until(lambda: _kernel_state(trainer.pid) == "T", what="the kernel to stop it")
            status = run.status
            assert observe(run.paths, FakeClock(monotonic=status.heartbeat + STALLED_AFTER - 1)).flags == ()
            for silence in (STALLED_AFTER + 1, 180, 10**6):
                seen = observe(run.paths, FakeClock(monotonic=status.heartbeat + silence))
                assert (seen.state, seen.flags) == ("running", ("stalled",))
            with pytest.raises(StoreError, match="already training"):
                resume(run)
            os.kill(trainer.pid, signal.SIGCONT)
            until(lambda before=status: run.status.heartbeat > before.heartbeat, what="its heart to beat again")
            seen = observe(run.paths, FakeClock(monotonic=run.status.heartbeat + 1))
            assert (seen.state, seen.flags) == ("running", ())
    finally:
        os.kill(trainer.pid, signal.SIGCONT)
        trainer.terminate()
        trainer.wait(timeout=60)
    assert run.state == "stopped"
    steps = run.metric("loss").steps
    assert steps == list(range(1, len(steps) + 1))


def _kernel_state(pid: int) -> str:
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0]
