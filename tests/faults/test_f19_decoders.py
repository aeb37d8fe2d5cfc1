"""F19: a data worker that is killed or hangs ends the run with the cause, and the run can be resumed."""

from __future__ import annotations

import contextlib
import os
import random
import signal

import numpy as np
import psutil
import pytest
from PIL import Image

from simclr_tui.errors import StoreError
from simclr_tui.launch.start import resume, start
from simclr_tui.launch.stop import kill, stop, wait_until_ended
from simclr_tui.store.state import ACTIVE
from simclr_tui.store.store import Store
from simclr_tui.train.data import decode_pool
from simclr_tui.train.data.decode_pool import Decoders
from simclr_tui.train.data.scaling import Scaling
from simclr_tui.train.data.sources.files import FolderSource
from tests.faults.in_trainer import run_in_trainers
from tests.faults.test_f03_stop import newest_step
from tests.training import tiny_plan, until

SEED = 19
PATIENT = """import os
from simclr_tui.train.data import decode_pool
decode_pool.ANSWER_TIMEOUT = float(os.environ['ANSWER_TIMEOUT'])"""


@pytest.fixture
def folder(tmp_path):
    """Two classes of 32 images."""
    for number in range(64):
        file = tmp_path / "images" / "ab"[number % 2] / f"{number:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), np.uint8)
        Image.fromarray(pixels).save(file)
    return tmp_path / "images"


def decoders_of(run):
    """The processes that decode for the run, by the folder they read."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if {"simclr_tui.train.data.decode_worker", run.recipe.data} <= set(process.info["cmdline"] or [])
    ]


@pytest.mark.timeout(3600)
def test_a_killed_or_stopped_decoder_ends_the_run_with_the_cause(tmp_path, folder, monkeypatch, fault, full_faults):
    """Half are killed, half stopped. At the full count the first one that is stopped is waited for as long as a user
    would wait, the others ten seconds: they also cover a worker's start."""
    times = fault("F19", 20, "data workers killed or stopped, each with a resume after it", SEED, fewest=2)
    run_in_trainers(monkeypatch, tmp_path / "code", PATIENT)
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    chance = random.Random(SEED)
    run, step = None, 0
    try:
        for number in range(times):
            monkeypatch.setenv(
                "ANSWER_TIMEOUT", str(decode_pool.ANSWER_TIMEOUT if full_faults and number == 1 else 10.0)
            )
            flags = {"data": f"folder:{folder}", "subset": 0, "epochs": 100_000, "knn_every": 0, "bs": 16}
            if run is None:
                run = start(Store(tmp_path / "runs"), tiny_plan(**flags))
            else:
                resume(run)
            goal = step + chance.randint(3, 12)
            until(lambda run=run, goal=goal: newest_step(run) >= goal or run.state not in ACTIVE, what="some steps")
            assert run.state == "running", run.status.reason
            victim = chance.choice(decoders_of(run))
            victim.send_signal(signal.SIGSTOP if number % 2 else signal.SIGKILL)
            ended = wait_until_ended(run, 60.0)
            assert ended is not None, "the run went on for a minute"
            cause = "gave no answer for" if number % 2 else "ended with code -9"
            assert ended.state == "failed"
            assert ended.reason.startswith(f"a process that decodes images {cause}")
            until(lambda run=run: not decoders_of(run), what="the end of all decoders")
            step = newest_step(run)
        resume(run)
        until(lambda: newest_step(run) > step + 6, what="steps after the last")
        assert stop(run).state == "stopped"
        steps = run.metric("loss").steps
        assert steps == list(range(1, len(steps) + 1))
    finally:
        with contextlib.suppress(StoreError):
            kill(run)


def test_a_decoder_that_was_stopped_does_not_outlive_its_trainer(tmp_path, folder):
    """Not even where it had nothing to do: it would not see the end of its input."""
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:
        try:
            out = np.empty((1, 3, 16, 16), np.uint8)
            Decoders(FolderSource(folder), Scaling(16), 1).decode(["a/00.png"], out)
            os.write(writing, b"!")
            signal.pause()
        finally:
            os._exit(1)
    os.close(writing)
    assert os.read(reading, 1) == b"!"
    (decoder,) = psutil.Process(parent).children()
    decoder.suspend()
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    until(lambda: not decoder.is_running() or decoder.status() == psutil.STATUS_ZOMBIE, what="its end")
