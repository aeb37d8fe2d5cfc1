"""What a sweep tries: axes as they are typed, grids, draws, and the files that come with the program."""

from __future__ import annotations

import math

import pytest

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import resolve
from simclr_tui.sweep.axes import Axis, draw, grid, parse_axis
from simclr_tui.sweep.files import load_sweep, shipped


@pytest.mark.parametrize(
    ("name", "text", "axis"),
    [
        ("bs", "256,512", Axis(name="bs", choices=(256, 512))),
        ("temperature", "0.1", Axis(name="temp", choices=(0.1,))),
        ("temp", "0.1:1.0", Axis(name="temp", low=0.1, high=1.0)),
        ("temp", "0.1:1.0:log", Axis(name="temp", low=0.1, high=1.0, log=True)),
        ("epochs", "10:20", Axis(name="epochs", low=10, high=20)),
        ("l2", "true,false", Axis(name="l2", choices=(True, False))),
        ("data", "folder:/a", Axis(name="data", choices=("folder:/a",))),
        ("augment", "crop,color;crop", Axis(name="augment", choices=("crop,color", "crop"))),
        ("augment", "crop,color", Axis(name="augment", choices=("crop,color",))),
        ("channels", "1,2,5", Axis(name="channels", choices=("1,2,5",))),
        ("range", "0:4095;p1:p99", Axis(name="range", choices=("0:4095", "p1:p99"))),
        ("tile", "64:32,off", Axis(name="tile", choices=("64:32", "off"))),
        ("head", ["mlp", "none"], Axis(name="head", choices=("mlp", "none"))),
    ],
)
def test_an_axis_is_read_as_it_is_typed(name, text, axis):
    assert parse_axis(name, text) == axis


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("temp", "1.0:0.1", "--temp cannot run over"),
        ("temp", "0.1:1.0:lin", "LOW:HIGH:log"),
        ("temp", "0:1:log", "--temp must be"),
        ("wd", "0:1:log", "above 0 for log"),
        ("bs", "256,many", "--bs must be"),
        ("tmep", "1", "did you mean temp"),
    ],
)
def test_what_cannot_be_an_axis_says_so(name, text, said):
    with pytest.raises(RecipeError, match=said):
        parse_axis(name, text)


def test_a_grid_is_every_combination():
    axes = [parse_axis("temp", "0.1,0.5,1"), parse_axis("bs", "64,128")]
    trials = list(grid(axes))
    assert len(trials) == 6
    assert trials[0] == {"temp": 0.1, "bs": 64}
    assert trials[1] == {"temp": 0.1, "bs": 128}
    with pytest.raises(RecipeError, match="needs values for --temp, not a range"):
        list(grid([parse_axis("temp", "0.1:1")]))


def test_draws_are_a_function_of_seed_and_number_and_fill_the_range():
    axes = [parse_axis("temp", "0.01:1:log"), parse_axis("epochs", "3:7"), parse_axis("head", "mlp,linear")]
    drawn = [draw(axes, 3, number) for number in range(400)]
    assert drawn[17] == draw(axes, 3, 17)
    assert drawn[17] != draw(axes, 4, 17)
    assert all(0.01 <= one["temp"] <= 1 for one in drawn)
    assert 0.4 < sum(one["temp"] < 0.1 for one in drawn) / 400 < 0.6  # half of the decades
    assert {one["epochs"] for one in drawn} == {3, 4, 5, 6, 7}
    assert {one["head"] for one in drawn} == {"mlp", "linear"}
    assert math.isclose(parse_axis("temp", "0.01:1:log").at(0.5), 0.1)


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_sweep_is_made_of_recipes_that_can_be(name):
    read = load_sweep(name)
    trials = [*read.trials, *grid(read.axes)] if read.axes else list(read.trials)
    assert len(trials) == len({tuple(sorted(trial.items())) for trial in trials})
    for trial in trials:
        assert isinstance(resolve("cifar10-sgd", flags=read.recipe | trial).recipe, Recipe)
    if any(value is not None for value in read.published):
        assert "ImageNet" in read.published_as
        assert "ResNet-50" in read.published_as


def test_the_papers_figures_stand_beside_their_values():
    table = {(trial["temp"], trial["l2"]): published for trial, published in zip(*_of("temperature"), strict=True)}
    assert table[0.1, True] == max(table.values()) == 64.4
    assert table[100.0, False] == 57.0
    trials, published = _of("batch-epochs")
    assert len(trials) == 48
    best = trials[published.index(max(published))]
    assert (best["bs"], best["epochs"], best["lr_scaling"]) == (4096, 800, "sqrt")
    assert load_sweep("batch-epochs").recipe["weight_decay"] == 1e-6
    losses, figures = _of("losses")
    tuned = {"nt-logistic": "temp", "margin": "margin"}
    counts = {}
    for trial, figure in zip(losses, figures, strict=True):
        kind = trial["objective"], trial["semi_hard"]
        counts.setdefault((*kind, figure), set()).add((trial["lr"], trial.get(tuned.get(trial["objective"]))))
    assert {kind: len(tried) for kind, tried in counts.items()} == {
        ("nt-xent", False, 63.9): 1, ("nt-logistic", False, 51.6): 20, ("nt-logistic", True, 57.9): 20,
        ("margin", False, 50.9): 20, ("margin", True, 57.5): 15,
    }  # fmt: skip
    rates = {0.01, 0.1, 0.3, 0.5, 1.0}
    assert counts["margin", False, 50.9] == {(lr, margin) for lr in rates for margin in (0.0, 0.4, 0.8, 1.6)}
    assert counts["nt-logistic", True, 57.9] == {(lr, temp) for lr in rates for temp in (0.1, 0.2, 0.5, 1.0)}
    assert load_sweep("losses").recipe["negatives"] == "one"
    pairs = [trial["augment"].split(",") for trial in grid(load_sweep("augmentations").axes)]
    assert len(pairs) == len({tuple(pair) for pair in pairs}) == 49
    for pair in pairs:
        assert ("crop" in pair) == ("flip" in pair), "the paper's crop includes the flip"
        assert ("color" in pair) == ("gray" in pair), "and its colour distortion the grayscale"


def _of(name):
    read = load_sweep(name)
    return read.trials, read.published


def test_a_file_of_ones_own_and_what_is_wrong_with_one(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('title = "mine"\n[recipe]\nepochs = 3\n[grid]\ntemp = "0.1:1:log"\nbs = [64, 128]\n')
    read = load_sweep(str(path))
    assert (read.title, read.recipe, [axis.name for axis in read.axes]) == ("mine", {"epochs": 3}, ["temp", "bs"])
    path.write_text("[gird]\ntemp = [1]\n")
    with pytest.raises(RecipeError, match="unknown table 'gird'"):
        load_sweep(str(path))
    with pytest.raises(RecipeError, match="did you mean temperature"):
        load_sweep("temprature")


def test_computed_values_of_a_sweep_are_shortened():
    computed = [0.1 + 0.05 * step for step in range(5)]
    assert parse_axis("temp", computed).choices == (0.1, 0.15, 0.2, 0.25, 0.3)
    assert parse_axis("temp", "0.30000000000000004:1").low == 0.3
