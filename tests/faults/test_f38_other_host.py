"""F38: another host's locks, boots and pids say nothing here; what it writes does."""

from __future__ import annotations

import os
import random
import time

import msgspec
import pytest

from simclr_tui.errors import StoreError
from simclr_tui.launch.start import resume, start
from simclr_tui.launch.stop import request_stop
from simclr_tui.store.process import ProcessId, this_process
from simclr_tui.store.state import ELSEWHERE_UNTIL, read_state, write_state
from simclr_tui.store.store import Store
from tests.run_factory import make_run
from tests.training import tiny_plan, until

SEED = 38


def on_another_host(run, *, silent):
    """Write its state as a trainer of another host does, `silent` seconds ago."""
    there = ProcessId(pid=os.getpid(), started=this_process().started, boot="another", host="gpubox")
    write_state(run.paths, msgspec.structs.replace(read_state(run.paths), state="running", process=there, since=1.0))
    at = time.time() - silent
    os.utime(run.paths.state, (at, at))


def test_a_run_that_writes_on_another_host_trains_there(tmp_path, fault):
    chance = random.Random(SEED)
    run = make_run(tmp_path)
    for _ in range(fault("F38", 200, "runs that trained on another host a moment or long ago", SEED)):
        silent = chance.choice([chance.uniform(0, ELSEWHERE_UNTIL - 5), chance.uniform(ELSEWHERE_UNTIL, 1e6)])
        on_another_host(run, silent=silent)
        status = run.status
        assert "on gpubox, last seen " in status.reason
        if silent >= ELSEWHERE_UNTIL:
            assert (status.state, status.flags) == ("lost", ())
            continue
        assert (status.state, status.flags) == ("running", ("elsewhere",))
        with pytest.raises(StoreError, match=r"run1 trains on gpubox, last seen .* — stop it there"):
            resume(run)
        with pytest.raises(StoreError, match="run1 trains on gpubox — run this command there"):
            request_stop(run)


def test_its_supervisors_samples_are_signs_of_life_too(tmp_path):
    run = make_run(tmp_path)
    on_another_host(run, silent=10 * ELSEWHERE_UNTIL)
    run.paths.attempt(1).hardware.touch()
    assert run.state == "running"


def test_a_trainer_that_was_given_up_for_lost_ends_and_touches_nothing(tmp_path, fault):
    """As when its host was cut off for minutes: another attempt has begun, and the lock of this one is not seen."""
    fault("F38", 1, "trainer that another host had given up")
    run = start(Store(tmp_path), tiny_plan(epochs=100_000, knn_every=0, checkpoint_every=2))
    until(lambda: run.status.step > 3, what="it to train")
    trainer = run.status.process
    there = ProcessId(pid=1, started=1, boot="another", host="gpubox")
    taken = msgspec.structs.replace(read_state(run.paths), attempt=2, state="running", process=there, supervisor=there)
    # Written as often as a trainer of two attempts would: the one of the first may be about to replace it.
    from simclr_tui.store.process import is_alive

    until(lambda: write_state(run.paths, taken) or not is_alive(trainer), what="the first trainer to end")
    events = [event for event in run.events if event.event == "failed"]
    assert "another attempt of run1 has begun on another host" in events[-1].message
    assert read_state(run.paths) == taken
