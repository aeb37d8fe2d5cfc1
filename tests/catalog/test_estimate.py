"""What a run will take is estimated from a run like it, never from another kind of run."""

from __future__ import annotations

import math

import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.estimate import estimate
from simclr_tui.recipe.resolve import resolve
from simclr_tui.store.store import Store
from tests.tui.runs_fabric import CREATED, fabricate


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    root = tmp_path_factory.mktemp("estimate") / "runs"
    fabricate(root, "narrow", steps=40, created=CREATED + 2, width=0.5)
    fabricate(root, "small-batch", steps=40, created=CREATED + 1, bs=64)
    fabricate(root, "alike", steps=40, created=CREATED)
    return Catalog(Store(root)).rows()


def test_the_run_with_the_same_encoder_and_batch_gives_time_and_memory(rows):
    recipe = resolve("quick", None, {"data": "shapes"}).recipe
    found = estimate(recipe, 1000, [{**row, "gpu_allocated": 5e9} for row in rows])
    speed = next(row["images_per_s"] for row in rows if row["name"] == "alike")
    assert (found.like, found.memory) == ("alike", 5_000_000_000)
    assert math.isclose(found.seconds, 1000 * 128 / speed)


def test_another_batch_size_gives_the_time_alone(rows):
    recipe = resolve("quick", None, {"data": "shapes", "bs": 32}).recipe
    found = estimate(recipe, 1000, [{**row, "gpu_allocated": 5e9} for row in rows])
    assert (found.like, found.memory) == ("small-batch", None), "the newest of the same encoder"


@pytest.mark.parametrize("flags", [{"encoder": "resnet50"}, {"image_size": 64}, {"width": 2.0}, {"grow_from": 16}])
def test_nothing_is_guessed_from_another_kind_of_run(rows, flags):
    assert estimate(resolve("quick", None, {"data": "shapes", **flags}).recipe, 1000, rows) is None


def test_without_steps_or_speed_there_is_no_estimate(rows):
    recipe = resolve("quick", None, {"data": "shapes"}).recipe
    assert estimate(recipe, None, rows) is None
    assert estimate(recipe, 10, [{**row, "images_per_s": math.nan} for row in rows]) is None
