"""F1: `kill -9` of the trainer at random moments, resumed each time, loses nothing and doubles nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys

import msgspec
import pytest

from simclr_tui.errors import ExitCode
from simclr_tui.store.state import write_state
from tests.training import assert_same, tiny_run, train_in_process, until

SEED = 20251124
LONG = {"epochs": 60, "knn_every": 15, "checkpoint_every": 1}


def start_attempt(run, number):
    if number > 1:
        run.paths.attempt(number).root.mkdir()
        state = msgspec.structs.replace(run.status, state="starting", attempt=number, process=None)
        write_state(run.paths, state)
    return subprocess.Popen([sys.executable, "-m", "simclr_tui.train", str(run.path)], stdout=subprocess.DEVNULL)


def newest_step(run):
    history = run.history()
    return history.step[-1] if history.step else 0


def saving(run):
    """Whether a save is under way: its temporary file is there."""
    return bool(list(run.paths.checkpoints.glob(".*.tmp")))


def kill_at(run, trainer, chance, in_a_save):
    """`kill -9` once the attempt has made a step: in the middle of a save, or up to 20 steps later."""

    def reached(condition, what):
        until(lambda: condition() or trainer.poll() is not None, what=what)

    before = newest_step(run)
    reached(lambda: newest_step(run) > before, "the next step")
    if in_a_save:
        reached(lambda: saving(run), "a save")
    else:
        target = newest_step(run) + chance.randrange(20)
        reached(lambda: newest_step(run) >= target, "a later step")
    hit = saving(run)
    if trainer.poll() is None:
        os.kill(trainer.pid, signal.SIGKILL)
    return hit


@pytest.mark.timeout(7200)
def test_random_kills_lose_nothing_and_double_nothing(tmp_path, full_faults, fault):
    chance = random.Random(SEED)
    kills = fault("F1", 200, "kills, half of them aimed into a save", SEED, few=10)
    in_a_save = 0
    flags = LONG | {"epochs": LONG["epochs"] * (10 if full_faults else 1)}
    run = tiny_run(tmp_path / "killed", **flags)
    attempt = 0
    while run.state != "finished":
        attempt += 1
        trainer = start_attempt(run, attempt)
        if attempt <= kills:
            in_a_save += kill_at(run, trainer, chance, in_a_save=attempt % 2 == 0)
        trainer.wait(timeout=900)
        assert run.history().damaged <= attempt
    assert attempt > kills
    untouched = tiny_run(tmp_path / "untouched", **flags)
    assert train_in_process(untouched, timeout=900).returncode == ExitCode.OK
    assert run.metric("loss").steps == list(range(1, flags["epochs"] * 6 + 1))
    assert_same(run, untouched)
    assert in_a_save >= kills // 4
    print(f"{attempt - 1} kills, {in_a_save} inside a save, seed {SEED}")
