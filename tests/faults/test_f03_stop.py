"""F3: a stop leaves a checkpoint of the very step, nobody behind, and a run that goes on from there."""

from __future__ import annotations

import random
import signal

import pytest

from simclr_tui.launch.start import resume, start
from simclr_tui.launch.stop import kill, stop, wait_until_ended
from simclr_tui.store.process import is_alive, send_signal
from simclr_tui.store.store import Store
from tests.training import tiny_plan, until

SEED = 3


def newest_step(run):
    return (run.history().step or [0])[-1]


@pytest.mark.timeout(3600)
def test_every_stop_can_be_resumed_and_leaves_nobody(tmp_path, fault):
    chance = random.Random(SEED)
    run = start(Store(tmp_path), tiny_plan(epochs=100_000, knn_every=0, checkpoint_every=50))
    try:
        for number in range(fault("F3", 50, "stops: by command, SIGTERM, SIGINT, Slurm's SIGUSR1", SEED, few=1)):
            before = newest_step(run)
            target = before + chance.randrange(1, 12)
            until(lambda target=target: newest_step(run) >= target, what="its steps")
            status = run.status
            if number % 2 == 0:
                stop(run)
            else:
                asked = chance.choice([signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
                assert send_signal(chance.choice([status.process, status.supervisor]), asked)
                wait_until_ended(run, 60)
            assert run.state == "stopped"
            assert run.checkpoints[0].step == newest_step(run) >= target
            assert run.metric("loss").steps == list(range(1, newest_step(run) + 1))
            until(lambda gone=status: not is_alive(gone.process) and not is_alive(gone.supervisor), what="their end")
            resume(run)
    finally:
        kill(run)
