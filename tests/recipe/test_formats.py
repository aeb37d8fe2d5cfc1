"""Formats of stored recipes: an older one keeps its meaning, a newer one is refused whole, by every door."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tomllib

import msgspec
import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.errors import ExitCode, RecipeError
from simclr_tui.launch.plan import plan_clone
from simclr_tui.recipe import formats
from simclr_tui.recipe.fields import check_value, field, fields
from simclr_tui.recipe.formats import FORMAT, complete, format_of, frozen_defaults
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import from_toml, resolve, to_toml
from simclr_tui.store.store import Store
from tests.cli.test_cli import simclr
from tests.run_factory import make_run
from tests.training import tiny_run, train_in_process

OLDER = range(1, FORMAT)


@pytest.mark.parametrize("number", OLDER)
def test_each_older_format_freezes_a_valid_default_for_every_field(number):
    frozen = frozen_defaults(number)
    missing, extra = {item.key for item in fields()} - frozen.keys(), frozen.keys() - {item.key for item in fields()}
    assert not missing, f"recipe/formats/{number}.toml: add what format {number} meant by {sorted(missing)}"
    assert not extra
    for key, value in frozen.items():
        assert check_value(field(key), value) == value
        assert type(value) is field(key).type
    assert Recipe(**frozen).check()


def test_format_1_is_what_0_1_0_declared():
    """Copied from the declarations of 0.1.0, for the fields in which a later version might well change its mind."""
    meant = {
        "epochs": 100, "batch_size": 256, "optimizer": "sgd", "lr": 0.03, "lr_scaling": "linear", "weight_decay": 1e-6,
        "temperature": 0.5, "head": "mlp", "head_bn": True, "crop_min": 0.08, "color_strength": 0.5, "blur": 0.0,
        "knn_k": 200, "knn_every": 10, "checkpoint_every": 10, "precision": "auto", "compile": False, "image_size": 32,
    }  # fmt: skip
    assert {key: frozen_defaults(1)[key] for key in meant} == meant


@pytest.mark.parametrize("item", fields(), ids=lambda item: item.key)
def test_what_a_recipe_of_format_1_lacks_is_what_format_1_meant_whatever_is_the_default_today(item, monkeypatch):
    text = to_toml(resolve("quick")).replace(f"format = {FORMAT}\n", "")
    lacking = "\n".join(line for line in text.splitlines() if not line.startswith(f"{item.key} = "))
    changed = tuple(dataclasses.replace(one, default="other") for one in fields())
    monkeypatch.setattr(formats, "fields", lambda: changed)
    read = from_toml(lacking)
    assert getattr(read.recipe, item.key) == frozen_defaults(1)[item.key]
    assert read.sources[item.key] == "default of format 1"


def test_a_recipe_of_todays_format_that_lacks_a_field_has_todays_default():
    text = "\n".join(line for line in to_toml(resolve("quick")).splitlines() if not line.startswith("temperature"))
    assert from_toml(text).recipe.temperature == Recipe().temperature
    assert from_toml(text).sources["temperature"] == "default"


def test_writing_gives_todays_format_and_every_field():
    old = from_toml("[recipe]\nbatch_size = 16\n")
    written = tomllib.loads(to_toml(old))
    assert written["format"] == FORMAT
    assert written["recipe"] == {**frozen_defaults(1), "batch_size": 16}


def test_a_clone_or_a_config_of_an_older_run_means_what_that_run_meant(tmp_path):
    run = make_run(tmp_path / "runs", "run1")
    run.paths.recipe.write_text("[recipe]\nbatch_size = 16\ndata = 'shapes'\n")
    meant = {**frozen_defaults(1), "batch_size": 16, "data": "shapes"}
    assert msgspec.to_builtins(plan_clone(run, {}).resolved.recipe) == meant
    assert msgspec.to_builtins(resolve("report", run.paths.recipe).recipe) == meant


@pytest.mark.parametrize("number", ["0", "-1", "1.0", "'2'", "true", "[2]"])
def test_what_is_no_format_number_is_refused(number):
    with pytest.raises(RecipeError, match=r"damaged: format is .*, not a whole number"):
        from_toml(f"format = {number}\n[recipe]\n")


def test_a_newer_format_is_refused_in_one_sentence_before_anything_of_it_is_read():
    for rest in ("[recipe]\n", "[recipe]\nzoom = 'what'\nlr = nan\n", ""):
        with pytest.raises(
            RecipeError, match=rf"format {FORMAT + 1}, .*newer .* reads up to format {FORMAT}"
        ) as caught:
            from_toml(f"format = {FORMAT + 1}\n{rest}")
        assert caught.value.hint == "upgrade simclr-tui"
    with pytest.raises(RecipeError, match="newer"):
        format_of({"format": 99})
    with pytest.raises(LookupError, match="'zoom'"):
        complete({"zoom": 1}, 1)


@pytest.fixture
def newer(tmp_path):
    """A run whose recipe a later version wrote."""
    run = tiny_run(tmp_path / "runs")
    run.paths.recipe.write_text(run.paths.recipe.read_text().replace(f"format = {FORMAT}", f"format = {FORMAT + 1}"))
    return run


@pytest.mark.parametrize("words", [["show"], ["resume"], ["clone"]], ids=lambda words: words[0])
def test_every_verb_that_needs_the_recipe_says_so(newer, words):
    done = simclr(newer.path.parent, *words, newer.name)
    assert done.returncode == ExitCode.USAGE
    assert "newer simclr-tui" in done.stderr
    assert "upgrade simclr-tui" in done.stderr


def test_as_a_config_it_is_refused_too(newer):
    done = simclr(newer.path.parent, "run", "--config", str(newer.paths.recipe))
    assert (done.returncode, "newer simclr-tui" in done.stderr) == (ExitCode.USAGE, True)


def test_lists_show_the_run_with_the_reason_and_the_trainer_ends_with_it(newer):
    (row,) = Catalog(Store(newer.path.parent)).rows()
    assert "newer simclr-tui" in row["error"]
    done = train_in_process(newer)
    assert done.returncode == ExitCode.USAGE
    assert newer.state == "failed"
    assert "newer simclr-tui" in newer.status.reason


def test_the_file_that_freezes_todays_format_is_printed_by_a_command():
    printed = subprocess.run(
        [sys.executable, "-m", "simclr_tui.recipe.formats"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert tomllib.loads(printed) == {item.key: item.default for item in fields()}
