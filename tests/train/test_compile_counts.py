"""What a compiled step compiles, counted by a backend that runs everything as it is: what follows the convolutions once
for each number of channels, whatever sides views grow through and however a batch is divided. A GPU would spend
seconds on each further compilation.
"""

from __future__ import annotations

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.device import Compute
from simclr_tui.train.loss import nt_xent
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.head import build_head
from simclr_tui.train.model.projection import projection
from simclr_tui.train.optim.grad_cache import cached_gradient, even_chunks

CPU = Compute(torch.device("cpu"), None)


@pytest.fixture(autouse=True)
def _fresh():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize(
    ("fields", "compilations"),
    [
        # relu(norm) and relu(norm + shortcut) at each of four widths, the shortcut's norm at three.
        ({"encoder": "resnet18", "width": 0.25}, 4 + 4 + 3),
        # 8 channels in the first stage are not compiled.
        ({"encoder": "resnet18", "width": 0.125}, 3 + 3 + 3),
        # A bottleneck's last norm has four times as many channels; the first one too has a norm in its shortcut.
        ({"encoder": "resnet50", "width": 0.25}, 4 + 4 + 4),
    ],
    ids=["resnet18", "narrow", "resnet50"],
)
def test_what_follows_the_convolutions_compiles_once_for_growing_sides_and_chunks(fields, compilations):
    counter = CompileCounter()
    recipe = Recipe(head_dim=16, **fields)
    encoder = build_encoder(recipe)
    head = build_head(recipe, encoder.dim)
    project = projection(encoder, head, CPU, compiled=True, backend=counter)
    for side, images, most in ((16, 10, 10), (20, 26, 9), (24, 17, 9), (32, 10, 10)):
        views, chunks = torch.rand(2, images, 3, side, side), even_chunks(images, most)
        parts = [part.flatten(0, 1).clone() for part in views.split(chunks, dim=1)]
        cached_gradient(
            lambda chunk, parts=parts: project(parts[chunk]), chunks, [encoder, head],
            loss=lambda a, b: nt_xent(a, b, 0.5), compiled=True,
        )  # fmt: skip
        assert counter.frame_count == compilations, side


def test_evaluations_compile_nothing():
    counter = CompileCounter()
    recipe = Recipe(width=0.25, head_dim=16)
    encoder = build_encoder(recipe)
    project = projection(encoder, build_head(recipe, encoder.dim), CPU, compiled=True, backend=counter)
    encoder.eval()
    with torch.no_grad():
        project(torch.rand(4, 3, 16, 16))
    assert counter.frame_count == 0
