"""Another optimiser brings its own rate, scaling and decay, unless they are given by hand."""

from __future__ import annotations

import pytest

from simclr_tui.errors import RecipeError
from simclr_tui.launch.plan import make_plan, plan_clone
from simclr_tui.recipe.fields import fields
from simclr_tui.recipe.optimizer_defaults import known_to_fail, optimizer_defaults
from simclr_tui.recipe.presets import preset_names
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import resolve, to_toml
from simclr_tui.sweep.axes import parse_axis
from simclr_tui.sweep.control import plan_trial
from simclr_tui.sweep.folder import Sweep
from tests.run_factory import make_run

OPTIMIZERS = next(item.choices for item in fields() if item.key == "optimizer")


def tuned(recipe: Recipe) -> tuple:
    return (recipe.optimizer, recipe.lr, recipe.lr_scaling, recipe.weight_decay)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_with_every_optimiser_starts_at_values_that_are_not_known_to_fail(preset, optimizer):
    recipe = resolve(preset, flags={"optimizer": optimizer}).recipe
    assert known_to_fail(recipe) == []
    if optimizer == resolve(preset).recipe.optimizer:
        assert recipe == resolve(preset).recipe


def test_what_is_brought_is_the_published_value_and_says_where_it_is_from():
    adam = resolve("cifar10-sgd", flags={"optimizer": "adam"})
    assert tuned(adam.recipe) == ("adam", 3e-4, "none", 0.0)
    assert [adam.sources[key] for key in ("lr", "lr_scaling", "weight_decay")] == ["default of adam"] * 3
    assert (adam.sources["optimizer"], adam.sources["momentum"]) == ("flag", "preset cifar10-sgd")
    assert tuned(resolve("cifar10-sgd", flags={"optimizer": "lars"}).recipe) == ("lars", 1.0, "linear", 1e-6)
    large = {"optimizer": "lars", "image_size": 224}
    assert tuned(resolve("cifar10-sgd", flags=large).recipe) == ("lars", 0.075, "sqrt", 1e-6)
    assert tuned(resolve("report", flags={"optimizer": "sgd"}).recipe) == ("sgd", 0.03, "linear", 5e-4)


def test_what_is_given_by_hand_stays(tmp_path):
    given = resolve("cifar10-sgd", flags={"optimizer": "adam", "lr": 1e-3, "wd": 1e-6})
    assert tuned(given.recipe) == ("adam", 1e-3, "none", 1e-6)
    config = tmp_path / "mine.toml"
    config.write_text("lr = 0.002\n")
    assert tuned(resolve("cifar10-sgd", config, {"optimizer": "adam"}).recipe) == ("adam", 0.002, "none", 0.0)
    config.write_text(to_toml(resolve("cifar10-sgd")))
    whole = resolve("quick", config, {"optimizer": "adam"}).recipe
    assert tuned(whole) == ("adam", 3e-4, "none", 0.0), "a whole recipe's rate was chosen for its own optimiser"


def test_a_clone_and_the_trials_of_a_sweep_bring_them_too(tmp_path):
    run = make_run(tmp_path, "run1", {"data": "shapes", "lr": 0.5})
    assert tuned(plan_clone(run, {"optimizer": "adam"}).resolved.recipe) == ("adam", 3e-4, "none", 0.0)
    assert tuned(plan_clone(run, {"optimizer": "adam", "lr": 0.01}).resolved.recipe)[1] == 0.01
    assert plan_clone(run, {"optimizer": "sgd"}).resolved.recipe == run.recipe
    sweep = Sweep(name="s", sampler="grid", trials=2, seeds=(0,), axes=(parse_axis("optimizer", "sgd,adam"),))
    base = make_plan("quick", None, {"data": "shapes", "wd": 1e-4}).resolved
    trial = plan_trial(base, sweep, {"optimizer": "adam"}, seed=0)
    assert tuned(trial.resolved.recipe) == ("adam", 3e-4, "none", 1e-4), "the sweep's own --wd is given by hand"
    assert tuned(plan_trial(base, sweep, {"optimizer": "sgd"}, seed=0).resolved.recipe) == tuned(base.recipe)


def test_a_plan_says_what_was_brought_and_warns_of_what_fails():
    plan = make_plan("quick", None, {"data": "shapes", "optimizer": "adam"})
    assert plan.choices == ("lr 0.0003, lr_scaling none, weight_decay 0.0: defaults of adam",)
    assert plan.warnings == ()
    hot = make_plan("quick", None, {"data": "shapes", "optimizer": "adam", "lr": 0.06})
    assert "adam at a learning rate of 0.06 commonly collapses" in hot.warnings[0]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"optimizer": "adamw", "lr": 0.02, "lr_scaling": "none"}, "adamw at a learning rate of 0.02"),
        ({"optimizer": "lars", "lr": 0.03, "batch_size": 512}, "LARS at a learning rate of 0.06"),
        ({"micro_batch": "8"}, "batch norm sees only 8 images"),
    ],
)
def test_a_combination_that_is_known_to_fail_is_a_warning_with_its_reason(values, word):
    (warning,) = known_to_fail(Recipe(**values))
    assert word in warning
    assert ": give " in warning


def test_defaults_are_valid_for_their_optimiser_and_unknown_ones_are_still_refused():
    for optimizer in OPTIMIZERS:
        assert Recipe(optimizer=optimizer, **optimizer_defaults(optimizer, 32)).check()
    with pytest.raises(RecipeError, match="--optimizer must be one of"):
        resolve("quick", flags={"optimizer": "adan"})
    with pytest.raises(RecipeError, match="--image-size"):
        resolve("quick", flags={"optimizer": "lars", "image_size": "big"})
