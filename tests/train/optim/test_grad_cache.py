"""Cached gradients: the whole batch's, while memory holds a chunk."""

from __future__ import annotations

import copy

import msgspec
import pytest
import torch
from torch import nn

from simclr_tui.errors import ExitCode
from simclr_tui.train.attempt import prepare
from simclr_tui.train.auto_micro_batch import largest_chunk
from simclr_tui.train.loss import nt_xent
from simclr_tui.train.observe.reporter import Reporter
from simclr_tui.train.optim.grad_cache import cached_gradient, even_chunks
from tests.train.test_loop import StopAfter, StopFlag, next_attempt, train
from tests.training import assert_same, metric_table, tiny_run


class Small(nn.Module):
    def __init__(self, drop: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)
        self.drop, self.out = nn.Dropout(drop), nn.Linear(6, 4)

    def forward(self, views):
        return self.out(self.drop(torch.relu(self.norm(self.conv(views))).mean(dim=(2, 3))))


def views_of(images: int):
    return torch.rand(2, images, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def loss(z_a, z_b):
    return nt_xent(z_a, z_b, 0.5)


def by_chunks(model, views, chunks, seeded=False):
    starts = [sum(chunks[:i]) for i in range(len(chunks))]

    def project(chunk):
        if seeded:
            torch.manual_seed(chunk)
        part = slice(starts[chunk], starts[chunk] + chunks[chunk])
        return model(views[:, part].flatten(0, 1))

    cached_gradient(project, chunks, [model], loss=loss)
    return [parameter.grad.clone() for parameter in model.parameters()]


@pytest.mark.parametrize("chunks", [[12], [6, 6], [5, 4, 3], [1] * 12])
def test_the_gradient_is_the_whole_batchs(chunks):
    model, views = Small().eval(), views_of(12)
    loss(model(views[0]), model(views[1])).backward()
    whole = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    for cached, grad in zip(by_chunks(model, views, chunks), whole, strict=True):
        assert torch.allclose(cached, grad, atol=1e-6, rtol=1e-5)


def test_in_training_mode_it_is_that_of_batch_norm_by_chunk():
    model, views, chunks = Small(), views_of(12), [5, 4, 3]
    other = copy.deepcopy(model)
    parts = [other(part.flatten(0, 1)).chunk(2) for part in views.split(chunks, dim=1)]
    loss(*(torch.cat(half) for half in zip(*parts, strict=True))).backward()
    for cached, parameter in zip(by_chunks(model, views, chunks), other.parameters(), strict=True):
        assert torch.allclose(cached, parameter.grad, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("chunks", [[6, 6], [5, 4, 3]])
def test_running_statistics_move_once_towards_the_mean_of_the_chunks(chunks):
    model, views = Small(), views_of(12)
    maps = [model.conv(part.flatten(0, 1)) for part in views.split(chunks, dim=1)]
    shares = [count / 12 for count in chunks]
    mean = sum(share * part.mean(dim=(0, 2, 3)) for share, part in zip(shares, maps, strict=True))
    variance = sum(share * part.var(dim=(0, 2, 3)) for share, part in zip(shares, maps, strict=True))
    by_chunks(model, views, chunks)
    norm = model.norm
    assert torch.allclose(norm.running_mean, 0.1 * mean, atol=1e-6)
    assert torch.allclose(norm.running_var, 0.9 + 0.1 * variance, atol=1e-6)
    assert int(norm.num_batches_tracked) == 1
    assert norm.momentum == 0.1


def test_what_is_dropped_is_the_same_in_both_passes():
    model, views, chunks = Small(drop=0.5).train(), views_of(8), [4, 4]
    model.norm.eval()
    other = copy.deepcopy(model)
    parts = []
    for chunk, part in enumerate(views.split(chunks, dim=1)):
        torch.manual_seed(chunk)
        parts.append(other(part.flatten(0, 1)).chunk(2))
    loss(*(torch.cat(half) for half in zip(*parts, strict=True))).backward()
    for cached, parameter in zip(by_chunks(model, views, chunks, seeded=True), other.parameters(), strict=True):
        assert torch.allclose(cached, parameter.grad, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("images", "most", "expected"), [(12, 12, [12]), (12, 5, [4, 4, 4]), (7, 3, [3, 2, 2])])
def test_chunks_are_few_and_even(images, most, expected):
    assert even_chunks(images, most) == expected


@pytest.mark.parametrize(("room", "chunk"), [(1000, 512), (512, 512), (511, 256), (100, 64), (0, 1)])
def test_auto_halves_until_it_fits(room, chunk):
    assert largest_chunk(512, lambda images: images <= room) == chunk


def test_auto_takes_what_the_free_memory_holds(tmp_path, monkeypatch):
    import psutil

    run = tiny_run(tmp_path, micro_batch="auto")
    recipe = run.recipe
    assert prepare(recipe, run.paths, Reporter(run.paths), stop=StopFlag()).chunk == 16
    free = psutil.virtual_memory()

    class Little:
        total, available = free.total, 3_000_000

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Little)
    chunk = prepare(recipe, run.paths, Reporter(run.paths), stop=StopFlag()).chunk
    assert 1 <= chunk < 16, free


def test_a_run_by_chunks_resumes_to_the_bit_with_the_chunk_it_began_with(tmp_path):
    flags = {"micro_batch": "6", "epochs": 1, "head_bn": False}
    whole, halted = tiny_run(tmp_path / "whole", **flags), tiny_run(tmp_path / "halted", **flags)
    assert train(whole) == ExitCode.OK
    assert train(halted, StopAfter(7)) == ExitCode.STOPPED
    next_attempt(halted)
    assert train(halted) == ExitCode.OK
    assert_same(halted, whole)
    assert whole.status.facts["micro_batch"] == 6


def test_the_first_steps_loss_is_that_of_the_whole_batch_where_batch_norm_is_not_asked(tmp_path):
    """At the first step (rate 0) only batch norm tells chunks from the whole: with one chunk there is no difference."""
    one, other = tiny_run(tmp_path / "one", epochs=1), tiny_run(tmp_path / "other", epochs=1, micro_batch="16")
    for run in (one, other):
        assert train(run) == ExitCode.OK
    assert metric_table(one) == metric_table(other)


def test_dropout_is_a_function_of_the_step(tmp_path):
    """Stochastic depth resumes to the bit, though torch's generator is not saved."""
    flags = {"encoder": "efficientnet_b0", "width": 1.0, "image_size": 32, "subset": 48, "epochs": 1, "knn_every": 0}
    whole, halted = tiny_run(tmp_path / "whole", **flags), tiny_run(tmp_path / "halted", **flags)
    assert train(whole) == ExitCode.OK
    assert train(halted, StopAfter(2)) == ExitCode.STOPPED
    next_attempt(halted)
    torch.manual_seed(99)
    assert train(halted) == ExitCode.OK
    assert_same(halted, whole)
    assert msgspec.structs.asdict(whole.recipe)["encoder"] == "efficientnet_b0"


@pytest.mark.parametrize("chunks", [[6, 6], [5, 4, 3]])
def test_for_a_compiled_model_gradient_and_statistics_are_the_same(chunks):
    found = []
    for compiled in (False, True):
        model, views = Small(), views_of(12)
        parts = [part.flatten(0, 1) for part in views.split(chunks, dim=1)]
        cached_gradient(lambda chunk, m=model, p=parts: m(p[chunk]), chunks, [model], loss=loss, compiled=compiled)
        assert model.norm.momentum == 0.1
        found.append([*(parameter.grad for parameter in model.parameters()), *model.buffers()])
    torch.testing.assert_close(*found)
    assert found[1][-1] == 1  # one step counted
