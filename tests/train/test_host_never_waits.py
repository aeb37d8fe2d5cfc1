"""Take a training step on the meta device, whose tensors hold nothing: to read one on the host, as a wait for a GPU
would, is refused. It needs no GPU and no CUDA build of torch. Torch's fused kernels know no meta device: here they do
nothing, and what leads to them runs as it is.
"""

from __future__ import annotations

import contextlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from simclr_tui.recipe.for_channels import for_channels
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
from simclr_tui.train.step_inputs import draw_inputs
from simclr_tui.train.views.apply import render

META = torch.device("meta")
EVERY = {name: 0.5 for name in OPERATIONS if name not in ("crop", "flip", "color", "gray")}
SMALL = {"width": 0.125, "image_size": 16, "batch_size": 8, "optimizer": "lars", "lr": 0.3}


@pytest.fixture(autouse=True)
def _as_a_gpu_would(monkeypatch):
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())  # it knows no meta device
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)  # and a CPU build no pinned memory
    # not `import torch.optim.optimizer`: torch.optim takes that name away again
    monkeypatch.setattr(sys.modules["torch.optim.optimizer"], "_get_fused_kernels_supported_devices", lambda: ["meta"])


@pytest.fixture(scope="module", autouse=True)
def _fused_kernels():
    library = torch.library.Library("aten", "IMPL")
    for name in ("_fused_sgd_", "_fused_adam_", "_fused_adamw_"):
        for overload in ("", ".tensor_lr"):
            if not torch._C._dispatch_has_kernel_for_dispatch_key(
                f"aten::{name}{overload}", "Meta"
            ):  # torch 2.11 has some
                library.impl(name + overload, lambda *_, **__: None, "Meta")
    yield
    library._destroy()


def take_step(
    recipe: Recipe, chunk: int = 0, scaled: bool = False, *, lr: float | torch.Tensor = 0.1, channels: int = 3,
    dtype: torch.dtype = torch.uint8,
) -> torch.Tensor:  # fmt: skip
    encoder = build_encoder(recipe, channels)
    head = build_head(recipe, encoder.dim).to(META)
    encoder = encoder.to(device=META, memory_format=torch.channels_last)
    compute, scale = Compute(META, None), LossScale(META) if scaled else None
    run = SimpleNamespace(
        recipe=recipe, step=0, steps=10, chunk=chunk or recipe.batch_size, encoder=encoder, head=head, scale=scale,
        source=SimpleNamespace(side=24, shapes=lambda _: None), stochastic=False, group=SINGLE_PROCESS,
        objective=Objective.of(recipe),
        project=projection(encoder, head, compute), render=render, criterion=Objective.of(recipe),
    )  # fmt: skip
    guard = NonfiniteGuard([("encoder", encoder), ("head", head)], META, scale)
    optimizer = build_optimizer(recipe, [encoder, head])
    optimizer.found_inf = guard.found_inf
    images = torch.empty(recipe.batch_size, channels, 24, 24, dtype=dtype, device=META)
    run.optimizer = optimizer
    samples = np.arange(recipe.batch_size)
    for _ in range(2):  # the first step of an optimiser is not like the others
        side = recipe.grow_from or recipe.image_size
        inputs = draw_inputs(recipe, images, samples, epoch=0, side=side, source=run.source)
        figures = loop.take_step(run, guard, inputs, lr=lr)
    return figures


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
        {"clip": 1.0},
    ],
    ids=lambda fields: ",".join(fields) or "plain",
)
def test_no_part_of_a_step_reads_what_is_on_the_device(fields):
    assert take_step(Recipe(**(SMALL | fields)).check()).device == META


def test_images_of_five_channels_and_16_bits_do_not_either():
    recipe, _ = for_channels(Recipe(**(SMALL | EVERY | {"normalize": "data"})).check(), 5, rgb=False)
    assert {"intensity", "channel_drop", "poisson", "gamma"} <= set(recipe.operations)
    assert take_step(recipe, channels=5, dtype=torch.uint16).device == META


def test_micro_batches_and_a_loss_scale_do_not_either():
    assert take_step(Recipe(**SMALL), chunk=3, scaled=True).device == META


@pytest.mark.parametrize("optimizer", ["lars", "sgd", "adam", "adamw"])
@pytest.mark.parametrize("in_tensor", [False, True])
def test_no_optimiser_does_whether_its_rate_is_a_number_or_lies_on_the_device(optimizer, in_tensor):
    lr = torch.tensor(0.1, device=META) if in_tensor else 0.1
    assert take_step(Recipe(**(SMALL | {"optimizer": optimizer})).check(), lr=lr).device == META


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
