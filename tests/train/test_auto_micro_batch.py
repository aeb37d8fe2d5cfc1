from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train import auto_micro_batch
from simclr_tui.train.auto_micro_batch import choose_chunk, memory_beside_activations
from simclr_tui.train.device import Compute
from simclr_tui.train.distributed import SINGLE_PROCESS

GIB = 2**30


def run_of(**fields):
    recipe = Recipe(batch_size=1024, micro_batch="auto", **fields)
    encoder, head = nn.Linear(10, 10), nn.Linear(10, 5)  # 165 weights
    return SimpleNamespace(
        recipe=recipe, encoder=encoder, head=head, local_batch=1024, group=SINGLE_PROCESS,
        compute=Compute(torch.device("cuda"), None), optimizer=SimpleNamespace(zero_grad=lambda: None),
    )  # fmt: skip


@pytest.mark.parametrize(("optimizer", "states"), [("sgd", 1), ("lars", 1), ("adam", 2), ("adamw", 2)])
def test_the_optimisers_state_and_the_similarities_are_counted(optimizer, states):
    expected = 4 * states * 165 + 4 * 4 * 2048 * 2048
    assert memory_beside_activations(run_of(optimizer=optimizer)) == expected


def test_a_chunk_that_leaves_no_room_for_the_rest_of_the_step_does_not_fit(monkeypatch):
    """A GPU of 1 GiB on which an image's activations take 1 MiB: 512 images alone would fit, with 0.9 GiB allowed and
    64 MiB of similarities; 1,024 would not."""
    peak = 0

    def forward(_run, images):
        nonlocal peak
        peak = images * 2**20
        if peak > GIB:
            raise RuntimeError("CUDNN_STATUS_ALLOC_FAILED")
        return torch.zeros(1, requires_grad=True)

    monkeypatch.setattr(auto_micro_batch, "_forward", forward)
    for name, answer in {
        "mem_get_info": lambda _: (GIB, GIB),
        "memory_reserved": lambda _: 0,
        "reset_peak_memory_stats": lambda _: None,
        "max_memory_allocated": lambda _: peak,
        "empty_cache": lambda: None,
    }.items():
        monkeypatch.setattr(torch.cuda, name, answer)
    assert choose_chunk(run_of()) == 512
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (GIB // 2, GIB))
    assert choose_chunk(run_of()) == 256
