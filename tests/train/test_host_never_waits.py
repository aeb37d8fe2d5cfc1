"""Take a training step on the meta device, whose tensors hold nothing: to read one on the host, as a wait for a GPU
would, is refused. It needs no GPU and no CUDA build of torch; all of a step is taken but what torch does inside its
fused optimisers.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from simclr_tui.recipe.recipe import OPERATIONS, Recipe
from simclr_tui.train import loop
from simclr_tui.train.device import Compute
from simclr_tui.train.distributed import SINGLE_PROCESS
from simclr_tui.train.loss import Objective
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.head import build_head
from simclr_tui.train.model.projection import projection
from simclr_tui.train.optim.loss_scale import LossScale
from simclr_tui.train.optim.nonfinite_guard import NonfiniteGuard
from simclr_tui.train.optim.optimizer import build_optimizer
from simclr_tui.train.views.apply import render

META = torch.device("meta")
EVERY = {name: 0.5 for name in OPERATIONS if name not in ("crop", "flip", "color", "gray")}
SMALL = {"width": 0.125, "image_size": 16, "batch_size": 8, "optimizer": "lars", "lr": 0.3}


@pytest.fixture(autouse=True)
def _as_a_gpu_would(monkeypatch):
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())  # it knows no meta device
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)  # and a CPU build no pinned memory


def take_step(recipe: Recipe, chunk: int = 0, scaled: bool = False) -> torch.Tensor:
    encoder = build_encoder(recipe)
    head = build_head(recipe, encoder.dim).to(META)
    encoder = encoder.to(device=META, memory_format=torch.channels_last)
    compute, scale = Compute(META, None), LossScale(META) if scaled else None
    run = SimpleNamespace(
        recipe=recipe, step=0, steps=10, chunk=chunk or recipe.batch_size, encoder=encoder, head=head, scale=scale,
        source=SimpleNamespace(side=24), stochastic=False, objective=Objective.of(recipe), group=SINGLE_PROCESS,
        project=projection(encoder, head, compute), render=render, criterion=Objective.of(recipe),
    )  # fmt: skip
    guard = NonfiniteGuard([("encoder", encoder), ("head", head)], META, scale)
    optimizer = build_optimizer(recipe, [encoder, head])
    optimizer.found_inf = guard.found_inf
    images = torch.empty(recipe.batch_size, 3, 24, 24, dtype=torch.uint8, device=META)
    figures = loop._compute_gradient(run, images, np.arange(recipe.batch_size), epoch=0)
    if scale is not None:
        scale.unscale(guard.grads())
    norm = guard.update(figures[0])
    guard.clip(norm, 1.0)
    optimizer.step()
    return torch.cat([figures, norm[None]])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        EVERY,
        EVERY | {"augment": ",".join(reversed(OPERATIONS))},
        {"both_views": False},
        {"objective": "dcl"},
        {"objective": "margin", "semi_hard": True},
        {"objective": "nt-logistic", "l2": False},
        {"grow_from": 8},
    ],
    ids=lambda fields: ",".join(fields) or "plain",
)
def test_no_part_of_a_step_reads_what_is_on_the_device(fields):
    assert take_step(Recipe(**(SMALL | fields)).check()).device == META


def test_micro_batches_and_a_loss_scale_do_not_either():
    assert take_step(Recipe(**SMALL), chunk=3, scaled=True).device == META


@pytest.mark.parametrize(
    "read",
    [
        lambda loss: bool(torch.isfinite(loss)),
        lambda loss: loss.item(),
        lambda loss: loss.cpu(),
        lambda loss: loss[loss > 0],
        lambda loss: loss * torch.ones(1),
    ],
    ids=["bool", "item", "cpu", "mask", "another device"],
)
def test_what_does_read_is_found(read, monkeypatch):
    look = NonfiniteGuard.update
    monkeypatch.setattr(NonfiniteGuard, "update", lambda self, loss: (read(loss), look(self, loss))[1])
    with pytest.raises((RuntimeError, NotImplementedError)):
        take_step(Recipe(**SMALL))
