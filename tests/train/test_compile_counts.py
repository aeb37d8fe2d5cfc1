"""What a compiled step compiles, counted by a backend that runs everything as it is: each part once, whatever sides
views grow through and however a batch is divided. A GPU would spend minutes on every further compilation.
"""

from __future__ import annotations

import pytest
import torch
from torch._dynamo.testing import CompileCounter, CompileCounterWithBackend

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.device import Compute
from simclr_tui.train.loss import Objective, criterion, nt_xent
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.head import build_head
from simclr_tui.train.model.projection import projection
from simclr_tui.train.optim.grad_cache import cached_gradient, even_chunks

CPU = Compute(torch.device("cpu"), None)
NARROW = Recipe(width=0.125, head_dim=16)


@pytest.fixture(autouse=True)
def _fresh():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def test_encoder_and_head_compile_once_for_growing_sides_and_chunks():
    counter = CompileCounter()
    encoder = build_encoder(NARROW)
    head = build_head(NARROW, encoder.dim)
    project = projection(encoder, head, CPU, compiled=True, backend=counter)
    # No chunk has fewer than 16 views: a CPU's convolution has another kernel for these, which is a guard of its own.
    for side, images, most in ((12, 10, 10), (16, 26, 9), (24, 17, 9), (32, 10, 10)):
        views, chunks = torch.rand(2, images, 3, side, side), even_chunks(images, most)
        parts = [part.flatten(0, 1).clone() for part in views.split(chunks, dim=1)]
        cached_gradient(
            lambda chunk, parts=parts: project(parts[chunk]), chunks, [encoder, head],
            loss=lambda a, b: nt_xent(a, b, 0.5), compiled=True,
        )  # fmt: skip
    assert counter.frame_count == 1


@pytest.mark.parametrize(
    "fields",
    [{}, {"objective": "dcl"}, {"objective": "margin", "semi_hard": True}, {"objective": "nt-logistic", "l2": False}],
    ids=lambda fields: fields.get("objective", "nt-xent"),
)
def test_the_loss_compiles_once_and_is_that_of_before(fields):
    """aot_eager traces forward and backward as inductor does, and runs them as they are."""
    counter = CompileCounterWithBackend("aot_eager")
    objective = Objective.of(Recipe(**fields).check())
    compiled = criterion(objective, compiled=True, backend=counter)
    for images in (8, 12, 30):
        z = torch.randn(2, images, 16, generator=torch.Generator().manual_seed(images))
        pairs = []
        for loss_of in (objective, compiled):
            z_a, z_b = (half.clone().requires_grad_() for half in z)
            loss, metrics = loss_of(z_a, z_b, None)
            loss.backward()
            pairs.append([loss.detach(), metrics, z_a.grad, z_b.grad])
        torch.testing.assert_close(*pairs)
    assert counter.frame_count == 1
