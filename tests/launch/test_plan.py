"""What was typed becomes a recipe that can run here, or one sentence and an exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from simclr_tui.errors import DataError, RecipeError, SimclrError, StoreError
from simclr_tui.launch import plan, tasks
from simclr_tui.launch.plan import (
    check_run_space,
    check_space,
    checkpoint_bytes,
    checkpoints_kept,
    make_plan,
    plan_clone,
    recipe_cost,
)
from simclr_tui.launch.slurm.resources import JobOptions, slurm_resources
from simclr_tui.store import checkpoints
from tests.run_factory import make_run


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for index in range(6):
            Image.new("RGB", (8, 8), (index * 20, 0, 0)).save(tmp_path / "pets" / label / f"{index}.png")
    return tmp_path / "pets"


def test_auto_says_what_it_chose_and_why():
    made = make_plan()
    assert made.resolved.recipe.data == "shapes"
    assert made.resolved.sources["data"].startswith("auto: ")
    assert any("preset quick" in choice for choice in made.choices)
    assert any("data shapes" in choice for choice in made.choices)
    assert made.steps == made.steps_per_epoch * made.resolved.recipe.epochs


def test_a_folder_is_kept_as_an_absolute_path(images, monkeypatch):
    monkeypatch.chdir(images.parent)
    made = make_plan("quick", flags={"data": "folder:pets", "bs": 4})
    assert made.resolved.recipe.data == f"folder:{images}"


@pytest.mark.parametrize(
    ("flags", "error", "words"),
    [
        ({"data": "cfar10"}, DataError, ["cfar10", "did you mean cifar10"]),
        ({"data": "folder:/nowhere/at/all"}, DataError, ["/nowhere/at/all"]),
        ({"bs": 0}, RecipeError, ["--bs", "≥ 2", "not 0"]),
        ({"temp": -1.0}, RecipeError, ["--temp", "> 0", "not -1.0"]),
        ({"encoder": "vgg16"}, RecipeError, ["resnet18", "vgg16", "--width"]),
        ({"encoder": "vgg61", "width": 1.0}, RecipeError, ["vgg61", "did you mean vgg19"]),
        ({"encoder": "timm:resnet10x", "width": 1.0}, RecipeError, ["resnet10x", "did you mean resnet10t"]),
        ({"encoder": "inception_v3", "width": 1.0}, RecipeError, ["inception_v3", "32 pixels", "--image-size 224"]),
        ({"epochs": 3, "warmup": 10.0}, RecipeError, ["warm-up", "--warmup"]),
        ({"data": "shapes", "subset": 100, "bs": 256}, DataError, ["256", "100", "--bs"]),
        ({"no_such": 1}, RecipeError, ["no_such"]),
    ],
)
def test_bad_input_is_one_sentence_with_a_way_out(flags, error, words):
    with pytest.raises(error) as caught:
        make_plan("quick", flags=flags)
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.hint
    for word in words:
        assert word in text


def test_an_encoder_of_torchvision_is_counted_aside_once(monkeypatch):
    """torchvision's own count is 2,542,856 parameters, 1,615,848 of them in its classifier."""
    flags = {"encoder": "mobilenet_v3_small", "width": 1.0, "head": "none"}
    counted = make_plan("quick", flags=flags).cost
    assert (counted.dim, counted.z_dim, counted.parameters) == (576, 576, 2_542_856 - 1_615_848)
    assert counted.macs > 10**6
    monkeypatch.setattr(tasks, "_ask", None)  # whoever asks again fails
    assert make_plan("quick", flags=flags | {"temp": 0.3}).cost == counted


def test_an_encoder_that_cannot_be_is_remembered(monkeypatch):
    flags = {"encoder": "alexnet", "width": 1.0}
    for _ in range(2):
        with pytest.raises(RecipeError, match="alexnet cannot take images of 32 pixels"):
            make_plan("quick", flags=flags)
        monkeypatch.setattr(tasks, "_ask", None)


def test_the_next_checkpoint_is_as_large_as_the_newest(tmp_path):
    run = make_run(tmp_path, flags={"data": "shapes"})
    assert checkpoint_bytes(run) == recipe_cost(run.recipe).checkpoint_bytes
    checkpoints.save(run.paths, b"x" * 321, step=1, epoch=1.0, recipe="", wall=0.0, version="")
    assert checkpoint_bytes(run) == 321


@pytest.mark.parametrize("there", [0, 2])
def test_a_job_of_a_cluster_has_nothing_to_do_with_this_machines_gpus(monkeypatch, there):
    monkeypatch.setattr(plan, "gpu_count", lambda: there)
    for flags, gpus in (({"gpus": "16"}, 16), ({"gpus": "1"}, 1), ({"device": "cuda"}, 1), ({}, 0),
                        ({"device": "cpu", "gpus": "4"}, 0)):  # fmt: skip
        made = make_plan("quick", flags=flags, here=False)
        assert slurm_resources(made.resolved, JobOptions()).gpus == gpus, flags
        assert made.resolved.recipe.gpus == flags.get("gpus", "1")
        assert make_plan(flags=flags, here=False).resolved.preset == ("cifar10-sgd" if gpus else "quick")
    with pytest.raises(RecipeError, match="this machine's GPUs, and a Slurm job trains elsewhere") as caught:
        make_plan(flags={"gpus": "all"}, here=False)
    assert caught.value.hint == "give a number"


def test_here_all_gpus_are_those_of_this_machine(monkeypatch):
    monkeypatch.setattr(plan, "gpu_count", lambda: 2)
    assert make_plan("quick", flags={"gpus": "all"}).resolved.recipe.gpus == "2"
    with pytest.raises(RecipeError, match="--gpus 16: there are 2"):
        make_plan("quick", flags={"gpus": "16"})


def test_a_held_out_tenth_counts_against_the_batch(images):
    with pytest.raises(DataError, match="training images"):
        make_plan("quick", flags={"data": f"folder:{images}", "bs": 12})


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(RecipeError, match="did you mean quick"):
        make_plan("qick")


def test_a_clone_keeps_every_value_but_the_changed(tmp_path):
    source = make_run(tmp_path, flags={"data": "shapes", "temp": 0.3, "bs": 64, "width": 0.5})
    cloned = plan_clone(source, {"epochs": 7, "seed": 5}).resolved
    assert (cloned.recipe.temperature, cloned.recipe.batch_size, cloned.recipe.width) == (0.3, 64, 0.5)
    assert (cloned.recipe.epochs, cloned.recipe.seed) == (7, 5)
    assert cloned.sources["epochs"] == "flag"
    assert cloned.sources["temperature"] == "clone of run1"


def test_no_space_is_refused_with_the_figures(tmp_path):
    with pytest.raises(StoreError, match=r"are free at .* needs") as caught:
        check_space(tmp_path, 10**18)
    assert "trash" in caught.value.hint


def test_a_store_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SimclrError, match="cannot write"):
        check_space(tmp_path / "file" / "runs", 1)


@pytest.mark.parametrize(("flags", "count"), [({}, 4), ({"keep_best": False}, 3), ({"knn_on": "test"}, 3)])
def test_the_space_asked_for_counts_the_best_checkpoint_where_one_is_kept(tmp_path, flags, count):
    run = make_run(tmp_path, flags={"data": "shapes"} | flags)
    assert checkpoints_kept(run.recipe) == count
    checkpoints.save(run.paths, b"x", step=1, epoch=1.0, recipe="", wall=0.0, version="")
    manifest = run.paths.manifest(1)
    manifest.write_bytes(manifest.read_bytes().replace(b'"bytes":1,', b'"bytes":1000000000000000,'))
    with pytest.raises(StoreError, match=f"a run of this size needs {count}") as refused:
        check_run_space(run.path, run)
    assert "are free at" in refused.value.message
