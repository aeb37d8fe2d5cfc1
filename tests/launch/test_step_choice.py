"""Which runs are compiled and captured, and what their recipe says of it."""

from __future__ import annotations

import pytest

from simclr_tui.launch import plan
from simclr_tui.launch.plan import make_plan

SHAPES = {"data": "shapes", "subset": 5000}
CHOICES = ("compile", "capture")


@pytest.fixture
def gpus(monkeypatch):
    monkeypatch.setattr(plan, "gpu_count", lambda: 1)


def choices(**flags):
    resolved = make_plan("cifar10-sgd", flags=SHAPES | flags).resolved
    return [(getattr(resolved.recipe, name), resolved.sources[name]) for name in CHOICES]


def test_a_long_run_on_a_gpu_is_compiled_and_captured_and_the_recipe_says_why(gpus):
    assert choices(epochs=5000) == [
        (True, "auto: long enough on a GPU for compiling to pay"),
        (True, "auto: long enough on a GPU; the first replay is compared with the usual step"),
    ]
    assert choices(epochs=2) == [
        (False, "auto: too short a run for compiling to pay"),
        (False, "auto: too short a run for capturing to pay"),
    ]


@pytest.mark.parametrize("name", CHOICES)
def test_a_no_stays_a_no_and_a_yes_a_yes(gpus, name):
    place = CHOICES.index(name)
    assert choices(epochs=5000, **{name: False})[place] == (False, "flag")
    assert choices(epochs=2, **{name: True})[place] == (True, "flag")
    assert choices(epochs=5000, **{name: False})[1 - place][0]


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_what_does_not_train_on_an_nvidia_gpu_stays_as_it_is(gpus, device):
    assert choices(epochs=5000, device=device) == [(False, "default")] * 2


def test_several_processes_are_neither_compiled_nor_captured(gpus, monkeypatch):
    monkeypatch.setattr(plan, "gpu_count", lambda: 2)
    assert choices(epochs=5000, gpus="2") == [(False, "default")] * 2


def test_without_a_gpu_nothing_is_decided():
    assert choices(epochs=5000) == [(False, "default")] * 2
