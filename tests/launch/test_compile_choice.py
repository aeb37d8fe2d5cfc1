"""Which runs are compiled, and what their recipe says of it."""

from __future__ import annotations

import pytest

from simclr_tui.launch import plan
from simclr_tui.launch.plan import make_plan

SHAPES = {"data": "shapes", "subset": 5000}


@pytest.fixture
def gpus(monkeypatch):
    monkeypatch.setattr(plan, "gpu_count", lambda: 1)


def compiled(preset: str = "cifar10-sgd", **flags):
    resolved = make_plan(preset, flags=SHAPES | flags).resolved
    return resolved.recipe.compile, resolved.sources["compile"]


def test_a_long_run_on_a_gpu_is_compiled_and_the_recipe_says_why(gpus):
    assert compiled(epochs=5000) == (True, "auto: long enough on a GPU for compiling to pay")
    assert compiled(epochs=2) == (False, "auto: too short a run for compiling to pay")


def test_a_no_stays_a_no_and_a_yes_a_yes(gpus):
    assert compiled(epochs=5000, compile=False) == (False, "flag")
    assert compiled(epochs=2, compile=True) == (True, "flag")


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_what_does_not_train_on_an_nvidia_gpu_is_not_compiled(gpus, device):
    assert compiled(epochs=5000, device=device) == (False, "default")


def test_several_processes_are_not_compiled(gpus, monkeypatch):
    monkeypatch.setattr(plan, "gpu_count", lambda: 2)
    assert compiled(epochs=5000, gpus="2") == (False, "default")


def test_without_a_gpu_nothing_is_decided():
    assert compiled(epochs=5000) == (False, "default")
