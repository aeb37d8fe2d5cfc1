"""F40: a state.json that a power loss emptied costs nothing that attempts and checkpoints still say."""

from __future__ import annotations

import os
import random
import signal

from simclr_tui.errors import ExitCode
from simclr_tui.launch.start import resume, start
from simclr_tui.launch.stop import wait_until_ended
from simclr_tui.store.process import is_alive
from simclr_tui.store.store import Store
from tests.training import assert_same, tiny_plan, tiny_run, train_in_process, until

SEED = 40
FLAGS = {"epochs": 12, "knn_every": 6, "checkpoint_every": 1}


def test_a_run_whose_state_is_empty_goes_on_to_the_bit(tmp_path, fault):
    chance = random.Random(SEED)
    untouched = tiny_run(tmp_path / "untouched", **FLAGS)
    assert train_in_process(untouched).returncode == ExitCode.OK
    for _ in range(fault("F40", 20, "states emptied or torn after a `kill -9`", SEED, few=1)):
        run = start(Store(tmp_path / "runs"), tiny_plan(**FLAGS))
        until(lambda run=run: run.checkpoints, what="a checkpoint")
        status = run.status
        for process in filter(None, (status.supervisor, status.process)):
            os.kill(process.pid, signal.SIGKILL)
        until(lambda status=status: not (is_alive(status.process) or is_alive(status.supervisor)), what="their end")
        whole = run.paths.state.read_bytes()
        run.paths.state.write_bytes(whole[: chance.choice([0, len(whole) // 2])])
        until(lambda run=run: run.state == "lost", what="the kernel to let go of its lock")
        assert resume(run) == 2
        assert wait_until_ended(run, 120).state == "finished"
        assert_same(run, untouched)
