"""F20: where one of several training processes dies or fails, all end, its own error is told, the run is resumed."""

from __future__ import annotations

import contextlib
import os
import random
import signal

import psutil
import pytest

from simclr_tui.errors import StoreError
from simclr_tui.launch.start import resume, start
from simclr_tui.launch.stop import kill, stop, wait_until_ended
from simclr_tui.store.store import Store
from tests.faults.in_trainer import run_in_trainers
from tests.faults.test_f03_stop import newest_step
from tests.training import tiny_plan, until

SEED = 20
WITHIN = 30.0  # seconds
# In the main thread, at whatever step it is in.
FAILING = """
import signal
def fail(number, frame):
    raise RuntimeError("something broke here")
signal.signal(signal.SIGUSR2, fail)
"""
CAUSES = {
    signal.SIGKILL: "process {} was killed by SIGKILL, by someone or by the kernel for lack of memory",
    signal.SIGUSR2: "process {}: RuntimeError: something broke here",
}


def trainers(run):
    """Torchrun and the processes that train the run, these by their rank."""
    torchrun, ranks = None, {}
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if str(run.path.absolute()) in words and "simclr_tui.train" in words:
            if "torch.distributed.run" in words:
                torchrun = process
            else:
                with contextlib.suppress(psutil.Error, KeyError):
                    ranks[int(process.environ()["RANK"])] = process
    return torchrun, ranks


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("processes", [2, 4])
def test_one_that_dies_or_fails_ends_all_with_its_own_error(tmp_path, monkeypatch, fault, processes, full_faults):
    """A random one at a random step, by turns killed and failing by itself; four processes at the full count only."""
    what = f"ends of one of {processes} processes over gloo, killed or by an error of its own"
    if processes == 4 and not full_faults:
        pytest.skip("at the full count")
    times = fault("F20", 6, what, SEED, few=1)
    run_in_trainers(monkeypatch, tmp_path / "code", FAILING)
    chance = random.Random(SEED + processes)
    flags = {"gpus": str(processes), "epochs": 100_000, "knn_every": 0}
    run = start(Store(tmp_path / "runs"), tiny_plan(**flags))
    try:
        for number in range(times):
            goal = newest_step(run) + chance.randint(3, 30)
            until(lambda goal=goal: newest_step(run) >= goal, what="some steps")
            _, ranks = trainers(run)
            assert sorted(ranks) == list(range(processes))
            rank = chance.randrange(processes)
            sent = (signal.SIGKILL, signal.SIGUSR2)[number % 2]
            os.kill(ranks[rank].pid, sent)
            ended = wait_until_ended(run, WITHIN)
            assert ended is not None, "the run went on for half a minute"
            assert (ended.state, ended.reason) == ("failed", CAUSES[sent].format(rank))
            until(lambda: trainers(run) == (None, {}), what="the end of all processes")
            resume(run)
        step = newest_step(run)
        until(lambda: newest_step(run) > step + 6, what="steps after the last")
        assert stop(run).state == "stopped"
        steps = run.metric("loss").steps
        assert steps == list(range(1, len(steps) + 1))
    finally:
        with contextlib.suppress(StoreError):
            kill(run)
