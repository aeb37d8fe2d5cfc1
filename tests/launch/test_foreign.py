"""Encoders from elsewhere and baselines as read-only runs; runs that go on from others' weights or for longer."""

from __future__ import annotations

import pytest
import torch

from simclr_tui.catalog.compare import compare
from simclr_tui.catalog.row import make_row
from simclr_tui.errors import CheckpointError, RecipeError, SimclrError, StoreError
from simclr_tui.launch.evaluation import evaluate
from simclr_tui.launch.extend import extend
from simclr_tui.launch.foreign import import_encoder, record_knn, run_to_evaluate
from simclr_tui.launch.start import create, resume
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import UNKNOWN
from simclr_tui.recipe.schedule import learning_rate
from simclr_tui.store.evaluations import read_evaluations
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store
from simclr_tui.tasks.export import export
from simclr_tui.train.model.build import build_encoder
from tests.training import metric_table, tiny_plan, tiny_run, train_in_process

NARROW = Recipe(width=0.125, stem="cifar")
ON_SHAPES = {"data": "shapes", "subset": 96, "image_size": 16}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Run:
    """A run of two epochs, trained to its end."""
    run = tiny_run(tmp_path_factory.mktemp("runs"), epochs=2, warmup=0.0)
    assert train_in_process(run).returncode == 0
    return run


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(3)
    path = tmp_path / "mine.pt"
    torch.save({"state_dict": {f"backbone.{name}": t for name, t in build_encoder(NARROW).weights().items()}}, path)
    return path


def test_an_encoder_from_elsewhere_is_a_read_only_run_that_scores_as_here_by_the_same_protocol(finished, tmp_path):
    """The weights of a run as this program exports them, under the names that lightly gives them in a checkpoint."""
    export(finished, tmp_path / "exported.pt")
    exported = torch.load(tmp_path / "exported.pt", weights_only=True)
    weights = tmp_path / "mine.pt"
    torch.save({"state_dict": {f"backbone.{name}": tensor for name, tensor in exported.items()}, "epoch": 2}, weights)
    shapes = ON_SHAPES | {"knn_k": 20, "precision": "fp32"}
    store = Store(tmp_path / "runs")
    run = run_to_evaluate(store, str(weights), shapes)
    assert (run.name, run.state, run.info.origin.kind) == ("mine", "finished", "encoder")
    assert "120 tensors under state_dict.backbone. loaded" in run.info.note
    known = run.resolved.known_values()
    assert (known["encoder"], known["width"], known["data"]) == ("resnet18", 0.125, "shapes")
    assert known["temp"] is known["lr"] is None
    assert known["eval_crop"] == 1.0, "how it is evaluated here is known"
    assert run.resolved.sources["temperature"] == UNKNOWN
    code, names = evaluate(run, ["knn"], {"--knn-k": 20, "--threads": 1})
    assert (code, names) == (0, ["knn"])
    record_knn(run)
    assert run.status.summary["knn"] == metric_table(finished)["knn"][-1][1]
    assert run.status.summary["knn"] == read_evaluations(run.paths)[0].top1
    assert run_to_evaluate(store, str(weights), shapes).name == "mine", "the same encoder is imported once"
    assert run_to_evaluate(store, str(weights), {**shapes, "image_size": 32}).name == "mine-2"
    row = make_row(run, "")
    assert (row["encoder"], row["temp"], row["lr"]) == ("resnet18", None, None)
    own = create(store, tiny_plan(stem="cifar"))
    assert compare([run, own]).differences.keys().isdisjoint({"temp", "lr", "head_dim"}), "the unknown is no difference"
    with pytest.raises(StoreError, match="read-only"):
        resume(run)
    with pytest.raises(StoreError, match="read-only"):
        extend(run, 10)


def test_a_random_baseline_is_the_runs_own_encoder_before_its_first_step(finished):
    store = Store(finished.path.parent)
    run = run_to_evaluate(store, finished.name, {}, baseline=True)
    assert (run.name, run.info.origin.kind) == ("random-resnet18", "baseline")
    code, _ = evaluate(run, ["knn"], {"--knn-k": 20, "--threads": 1, "--device": "cpu"})
    assert code == 0
    assert read_evaluations(run.paths)[0].top1 == metric_table(finished)["knn"][0][1]


def test_a_baseline_sees_as_much_of_an_image_as_the_run_did(tmp_path):
    store = Store(tmp_path / "runs")
    run = create(store, tiny_plan(eval_crop=0.875))
    assert run_to_evaluate(store, run.name, {}, baseline=True).recipe.eval_crop == 0.875


@pytest.mark.parametrize(
    ("given", "flag"), [({"eval_crop": 0.875}, "--eval-crop"), ({"image_size": 64}, "--image-size")]
)
def test_what_describes_an_encoder_from_elsewhere_is_refused_for_a_run(tmp_path, given, flag):
    store = Store(tmp_path / "runs")
    run = create(store, tiny_plan())
    with pytest.raises(RecipeError, match=f"{run.name} is evaluated by its own recipe, not by {flag}"):
        run_to_evaluate(store, run.name, given)
    assert run_to_evaluate(store, run.name, {"data": "shapes", "subset": 50}).name == run.name


def test_what_cannot_be_imported_leaves_nothing(weights, tmp_path):
    store = Store(tmp_path / "runs")
    with pytest.raises(SimclrError, match="does not fit this encoder"):
        import_encoder(store, str(weights), {**ON_SHAPES, "encoder": "resnet50"}, quiet=True)
    with pytest.raises(RecipeError, match="say what to evaluate it on"):
        run_to_evaluate(store, str(weights), {})
    assert store.entries() == []


def test_a_finished_run_is_trained_longer_and_says_what_its_schedule_becomes(finished):
    steps = finished.status.steps_per_epoch
    with pytest.raises(RecipeError, match="has 2 epochs already"):
        extend(finished, 2)
    words = extend(finished, 4)
    assert extend(finished, 4) == "to the 4 epochs that its recipe has already", "it has not taken them yet"
    peak = finished.recipe.peak_lr
    expected = learning_rate(2 * steps, 4 * steps, 0, peak)
    assert f"goes on at {expected:.3g} where it had come down to 0" in words
    assert finished.resolved.sources["epochs"] == "resume --epochs 4"
    before = metric_table(finished)["loss"]
    finished.paths.attempt(2).root.mkdir()
    assert train_in_process(finished).returncode == 0
    after = metric_table(finished)
    assert after["loss"][: 2 * steps] == before
    assert [step for step, _ in after["lr"]] == list(range(1, 4 * steps + 1))
    for step, rate in after["lr"][2 * steps :]:
        assert rate == pytest.approx(learning_rate(step - 1, 4 * steps, 0, peak))


def test_init_names_a_run_of_the_store_or_a_file_and_refuses_what_cannot_fit(weights, tmp_path):
    store = Store(tmp_path / "runs")
    imported = run_to_evaluate(store, str(weights), ON_SHAPES)
    run = create(store, tiny_plan(init="mine", stem="cifar"))
    assert run.recipe.init == str(imported.path.absolute())
    assert create(store, tiny_plan(init=str(weights))).recipe.init == str(weights)
    assert create(store, tiny_plan(init="torchvision:resnet18")).recipe.init == "torchvision:resnet18"
    with pytest.raises(RecipeError, match=r"mine holds a resnet18 ×0.125 with a cifar stem.*--width 0.125"):
        create(store, tiny_plan(init="mine", width=0.25))
    with pytest.raises(CheckpointError, match="has no checkpoint yet"):
        create(store, tiny_plan(init=run.name))
    with pytest.raises(SimclrError, match="no run 'nobody'"):
        create(store, tiny_plan(init="nobody"))
    done = train_in_process(run)
    assert done.returncode == 0, done.stderr
    assert "the encoder starts from" in done.stdout + done.stderr
