"""A checkpoint written by a thread holds the state as it was when the save began."""

from __future__ import annotations

import errno
import threading

import pytest
import torch
from torch import nn

from simclr_tui.store.checkpoints import Manifest
from simclr_tui.train.persist import checkpoint
from simclr_tui.train.persist.async_save import Saver, snapshot
from tests.training import tiny_run


def state_of(model, optimizer):
    encoder, head = model.state_dict(), {"weight": torch.ones(2)}
    return {"encoder": encoder, "head": head, "optimizer": optimizer.state_dict(), "scale": None, "step": 5}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).to(memory_format=torch.channels_last)


@pytest.fixture
def optimizer(model):
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    take_step(model, optimizer)
    return optimizer


def take_step(model, optimizer):
    model(torch.rand(2, 3, 8, 8)).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()


def test_a_step_taken_meanwhile_does_not_reach_the_file(tmp_path, model, optimizer, monkeypatch):
    run = tiny_run(tmp_path)
    paths = run.paths
    before, _ = snapshot(state_of(model, optimizer))
    taken, save = threading.Event(), checkpoint.save

    def later(*words, **more):
        assert taken.wait(60)
        return save(*words, **more)

    monkeypatch.setattr(checkpoint, "save", later)
    saver = Saver(paths)
    saver.begin(state_of(model, optimizer), 5, 0.5)
    assert saver.outcome(wait=False) is None
    take_step(model, optimizer)
    taken.set()
    manifest = saver.outcome(wait=True)
    assert isinstance(manifest, Manifest)
    assert (manifest.step, saver.step, saver.outcome(wait=True)) == (5, 5, None)
    loaded = checkpoint.load_step(paths, 5)
    moments = loaded["optimizer"]["state"][0]
    assert torch.equal(moments["exp_avg"], before["optimizer"]["state"][0]["exp_avg"])
    for name, value in before["encoder"].items():
        assert torch.equal(loaded["encoder"][name], value)
        assert loaded["encoder"][name].stride() == value.stride()
    weights = [model.state_dict()["0.weight"], before["encoder"]["0.weight"]]
    assert not torch.equal(*weights), "the step that was taken meanwhile changed the model"


def test_a_failed_write_is_handed_over_and_the_next_one_may_begin(tmp_path, model, optimizer, monkeypatch):
    run = tiny_run(tmp_path)

    def full(*words, **more):
        raise OSError(errno.ENOSPC, "No space left on device")

    saver = Saver(run.paths)
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "save", full)
        saver.begin(state_of(model, optimizer), 5, 0.5)
        failed = saver.outcome(wait=True)
    assert isinstance(failed, OSError)
    assert failed.errno == errno.ENOSPC
    saver.begin(state_of(model, optimizer), 6, 0.6)
    assert isinstance(saver.outcome(wait=True), Manifest)


def test_what_is_no_matter_of_the_disk_is_raised(tmp_path, model, optimizer, monkeypatch):
    saver = Saver(tiny_run(tmp_path).paths)

    def broken(*words, **more):
        raise MemoryError

    monkeypatch.setattr(checkpoint, "save", broken)
    saver.begin(state_of(model, optimizer), 5, 0.5)
    with pytest.raises(MemoryError):
        saver.outcome(wait=True)
