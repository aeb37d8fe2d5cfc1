"""Images that are gathered ahead: the same batches in the same order, and a run that is killed in the middle of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import msgspec
import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from simclr_tui.errors import DataError, ExitCode
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.state import write_state
from simclr_tui.train.data import open_data
from simclr_tui.train.data.batches import Source
from simclr_tui.train.data.epoch_order import Order
from simclr_tui.train.data.prefetch import Feed
from simclr_tui.train.data.shapes import draw_shapes, shape_labels
from simclr_tui.train.distributed import SINGLE_PROCESS, ProcessGroup
from simclr_tui.train.rng import epoch_order
from tests.training import assert_same, tiny_run, train_in_process, until

CPU = torch.device("cpu")
COUNT = 110  # of which a tenth is held out


@pytest.fixture(scope="module")
def jpegs(tmp_path_factory):
    root = tmp_path_factory.mktemp("jpegs")
    labels = shape_labels(np.arange(COUNT))
    for i, pixels in enumerate(draw_shapes(0, np.arange(COUNT), 40)):
        file = root / str(labels[i]) / f"{i:03}.jpg"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels.transpose(1, 2, 0)).save(file, quality=90)
    return root


def files(root, cache, monkeypatch):
    monkeypatch.setenv("SIMCLR_DECODED", "0")
    return open_data(f"folder:{root}", image_size=16, subset=0, progress=lambda *_: None, cache=cache)


def test_steps_take_what_the_epochs_order_says():
    recipe = Recipe(batch_size=8, seed=3)
    order, second = (
        Order(recipe, 30, SINGLE_PROCESS),
        Order(recipe, 30, ProcessGroup(rank=1, size=2, local_rank=1, local_size=2)),
    )
    for step in (0, 1, 2, 3, 7, 2):
        epoch, position = divmod(step, 3)
        expected = epoch_order(3, epoch, 30)[8 * position : 8 * position + 8]
        assert order(step).tolist() == expected.tolist()
        assert second(step).tolist() == expected[4:].tolist()


@pytest.mark.parametrize("first", [0, 5])
def test_files_feed_the_batches_that_memory_does(jpegs, tmp_path, monkeypatch, first):
    data = files(jpegs, tmp_path / "cache", monkeypatch)
    order = Order(Recipe(batch_size=16), len(data.train), SINGLE_PROCESS)
    in_memory = Source(data.train.images[:], CPU)
    source = Source(data.train.images, CPU)
    assert in_memory.resident is not None
    assert source.resident is None
    with (
        Feed(source, CPU, order, first=first, last=9) as ahead,
        Feed(in_memory, CPU, order, first=first, last=9) as at_once,
    ):
        for _ in range(first, 9):
            (ids, images), (same_ids, same) = ahead.take(), at_once.take()
            assert ids.tolist() == same_ids.tolist()
            assert torch.equal(images, same)
    assert torch.equal(source.batch(ids), same)


def test_damage_reaches_the_step_that_meets_it(jpegs, tmp_path, monkeypatch):
    data = files(jpegs, tmp_path / "cache", monkeypatch)
    victim = data.train.images.names[5]
    whole = (jpegs / victim).read_bytes()
    try:
        (jpegs / victim).write_bytes(whole[: len(whole) // 2])
        order = Order(Recipe(batch_size=16), len(data.train), SINGLE_PROCESS)
        steps = next(step for step in range(6) if 5 in order(step)) + 1
        with Feed(Source(data.train.images, CPU), CPU, order, first=0, last=6) as feed:
            for _ in range(steps - 1):
                feed.take()
            with pytest.raises(DataError, match=victim):
                feed.take()
    finally:
        (jpegs / victim).write_bytes(whole)


def test_a_run_from_files_killed_in_an_epoch_and_resumed_equals_one_from_memory(jpegs, tmp_path):
    """And its decoders end with it."""
    flags = {"data": f"folder:{jpegs}", "subset": 0, "epochs": 6, "knn_every": 2, "checkpoint_every": 2}
    untouched = tiny_run(tmp_path / "memory", **flags)
    assert train_in_process(untouched).returncode == ExitCode.OK

    environment = os.environ | {"SIMCLR_DECODED": "0", "SIMCLR_DATA": str(tmp_path / "data")}
    run = tiny_run(tmp_path / "files", **flags)
    command = [sys.executable, "-m", "simclr_tui.train", str(run.path)]
    trainer = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)

    def reached(step):
        return trainer.poll() is not None or (run.history().step or [0])[-1] >= step

    until(lambda: reached(15), what="the middle of the third epoch")
    decoders = psutil.Process(trainer.pid).children()
    os.kill(trainer.pid, signal.SIGKILL)
    assert trainer.wait() == -signal.SIGKILL
    assert decoders
    until(lambda: not any(each.is_running() for each in decoders), what="the decoders to end")

    run.paths.attempt(2).root.mkdir()
    write_state(run.paths, msgspec.structs.replace(run.status, state="starting", attempt=2, process=None))
    done = train_in_process(run, env=environment)
    assert done.returncode == ExitCode.OK, done.stdout
    assert "kNN" in done.stdout
    assert not list((tmp_path / "data").rglob("train.npy"))
    assert_same(run, untouched)


def test_a_damaged_image_ends_a_run_with_one_sentence(jpegs, tmp_path):
    victim = next(jpegs.rglob("05*.jpg"))
    whole = victim.read_bytes()
    try:
        victim.write_bytes(whole[: len(whole) // 2])
        run = tiny_run(tmp_path / "runs", data=f"folder:{jpegs}", subset=0)
        done = train_in_process(run, env=os.environ | {"SIMCLR_DECODED": "0", "SIMCLR_DATA": str(tmp_path)})
    finally:
        victim.write_bytes(whole)
    assert done.returncode == ExitCode.DATA
    assert run.status.reason.startswith(f"1 of {COUNT} images is damaged ({victim.relative_to(jpegs)})")
