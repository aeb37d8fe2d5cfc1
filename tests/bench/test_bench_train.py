"""Like is compared with like, in every precision and compiled or not."""

from __future__ import annotations

import pytest
import torch

from simclr_tui.bench import train
from simclr_tui.bench.train import Variant, train_figures
from simclr_tui.errors import SimclrError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.device import Compute
from tests.train.test_captured_step import CallAgain, Fails

CPU = Compute(torch.device("cpu"), None)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("compiled", [False, True])
def test_what_a_run_would_do_is_among_the_variants(precision, compiled):
    compute = Compute(torch.device("cpu"), None).with_precision(precision)
    variants = list(train._variants(compute, Recipe(compile=compiled)))
    assert len(variants) == len(set(variants))
    assert Variant(precision, compiled=compiled) in variants
    assert Variant(precision, channels_last=False) in variants


def test_the_ratio_to_a_peer_is_that_of_the_step_that_a_run_takes(monkeypatch):
    """A bench whose speed says which variant it is; the compiled one is what the recipe asks for."""

    class Fake:
        def __init__(self, _recipe, _compute, variant):
            self.speed = 400.0 if variant.compiled else 100.0

        def images_per_s(self, _steps):
            return self.speed

        def split(self, _steps):
            return {"forward": 1.0}

    monkeypatch.setattr(train, "Bench", Fake)
    monkeypatch.setattr(train, "_peer_images_per_s", lambda _: 50.0)
    for compiled, ratio in ((False, 2.0), (True, 8.0)):
        recipe = Recipe(compile=compiled, precision="fp16", device="cpu", batch_size=16)
        figures = {figure.name: figure.values for figure in train_figures(recipe, steps=1, repeat=1, peer="x")}
        assert figures["times the peer"] == [ratio]


def test_an_fp16_step_scales_its_loss():
    compute = Compute(torch.device("cpu"), torch.float16)
    bench = train.Bench(Recipe(width=0.0625, batch_size=4, image_size=8), compute, Variant("fp16"))
    assert bench.images_per_s(1) > 0
    assert bench.scale is not None


def test_a_captured_step_is_timed_once_it_is_replayed_and_gives_the_losses_of_the_usual_one(monkeypatch):
    monkeypatch.setattr(train, "GraphRecorder", lambda *_: CallAgain())
    recipe, compute = Recipe(width=0.0625, batch_size=4, image_size=16, grow_from=12), CPU
    usual, captured = (train.Bench(recipe, compute, Variant("fp32", captured=yes)) for yes in (False, True))
    assert captured.losses(24) == pytest.approx(usual.losses(24), rel=1e-4)
    replayed = captured._on_device._recorder.replayed
    assert captured.images_per_s(4) > 0
    assert (
        captured._on_device._recorder.replayed - replayed == 4 + 2
    )  # and at each of two sides the one that is compared


def test_a_bench_that_cannot_capture_says_so(monkeypatch):
    monkeypatch.setattr(train, "GraphRecorder", lambda *_: Fails())
    bench = train.Bench(Recipe(width=0.0625, batch_size=4, image_size=8), CPU, Variant("fp32", captured=True))
    with pytest.raises(SimclrError, match="could not be captured: RuntimeError: CUDA error: operation not permitted"):
        bench.images_per_s(1)
