"""Encoders of torchvision and timm by their names. There is no net: the libraries' caches hold weights made here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from simclr_tui.api import load_encoder
from simclr_tui.errors import ExitCode
from simclr_tui.launch.evaluation import evaluate
from simclr_tui.launch.foreign import run_to_evaluate
from simclr_tui.store.evaluations import read_evaluation
from simclr_tui.store.store import Store
from simclr_tui.train.model.normalized import NormalizedEncoder
from simclr_tui.train.model.torchvision_import import import_torchvision
from tests.training import metric_table, tiny_run, train_in_process

ON_SHAPES = {"data": "shapes", "subset": 96, "image_size": 32, "knn_k": 20, "precision": "fp32"}
EVALUATED = {"--knn-k": 20, "--threads": 1, "--device": "cpu"}


@pytest.fixture(autouse=True)
def _empty_caches(tmp_path, monkeypatch):
    for name in ("TORCH_HOME", "HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / name))


def weights_of_torchvision(name: str, home: Path) -> dict[str, Tensor]:
    """Put drawn weights where torchvision keeps what it has fetched."""
    models = import_torchvision().models
    torch.manual_seed(5)
    weights = models.get_model(name, weights=None).state_dict()
    file = home / "TORCH_HOME" / "hub" / "checkpoints" / models.get_model_weights(name).DEFAULT.url.rpartition("/")[2]
    file.parent.mkdir(parents=True)
    torch.save(weights, file)
    return weights


def weights_of_timm(name: str, home: Path) -> dict[str, Tensor]:
    """Put drawn weights where the hub's client keeps what it has fetched for timm."""
    import_torchvision()
    timm, safetensors = pytest.importorskip("timm"), pytest.importorskip("safetensors.torch")
    torch.manual_seed(5)
    weights = timm.create_model(name, pretrained=False).state_dict()
    repository = timm.get_pretrained_cfg(name).hf_hub_id.replace("/", "--")
    folder = home / "HF_HUB_CACHE" / f"models--{repository}"
    revision = "0" * 40
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(revision)
    (folder / "snapshots" / revision).mkdir(parents=True)
    safetensors.save_file(weights, folder / "snapshots" / revision / "model.safetensors")
    return weights


FETCHED = {"torchvision:squeezenet1_1": weights_of_torchvision, "timm:test_resnet": weights_of_timm}


def fetched(source: str, home: Path) -> dict[str, Tensor]:
    """Put drawn weights of that name into its library's cache, and return them."""
    return FETCHED[source.partition(".")[0]](source.partition(":")[2], home)


def expected_statistics(source: str) -> tuple[Sequence[float], Sequence[float]]:
    """Return the mean and deviation that the library's own transforms subtract and divide by."""
    if source.startswith("torchvision:"):
        transforms = import_torchvision().models.SqueezeNet1_1_Weights.DEFAULT.transforms()
    else:
        transforms = pytest.importorskip("timm").get_pretrained_cfg(source.removeprefix("timm:"))
    return transforms.mean, transforms.std


def simclr(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SIMCLR_RUNS": str(root), "COLUMNS": "200"}
    command = [sys.executable, "-m", "simclr_tui.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment, check=False)


@pytest.mark.parametrize("source", [*FETCHED, "timm:test_resnet.r160_in1k"])
def test_an_encoder_called_by_its_librarys_name_is_kept_as_it_is_and_judged(tmp_path, source):
    weights, store = fetched(source, tmp_path), Store(tmp_path / "runs")
    run = run_to_evaluate(store, source, ON_SHAPES)
    assert run.recipe.encoder == source.partition(".")[0].removeprefix("torchvision:")
    kept = load_encoder(run)
    for name, tensor in kept.weights().items():
        assert torch.equal(tensor, weights[name]), name
    assert isinstance(kept, NormalizedEncoder)
    np.testing.assert_allclose(kept.statistics, expected_statistics(source), rtol=1e-6)
    assert evaluate(run, ["knn"], EVALUATED) == (0, ["knn"])
    assert 0 <= read_evaluation(run.paths, "knn").top1 <= 1


@pytest.mark.parametrize(
    ("source", "side"), [("torchvision:squeezenet1_1", 224), ("timm:test_resnet", 160)], ids=list(FETCHED)
)
def test_it_sees_images_of_the_size_that_its_library_trained_it_on(tmp_path, source, side):
    fetched(source, tmp_path)
    run = run_to_evaluate(Store(tmp_path / "runs"), source, {"data": "shapes"})
    assert run.recipe.image_size == side


@pytest.mark.parametrize("source", FETCHED)
def test_a_run_that_starts_from_it_is_before_its_first_step_as_good_as_eval_says(tmp_path, source):
    fetched(source, tmp_path)
    plain = {"normalize": "none", "image_size": 32}
    encoder = source.removeprefix("torchvision:")
    run = tiny_run(tmp_path / "runs", init=source, encoder=encoder, width=1.0, epochs=1, knn_on="test", **plain)
    done = train_in_process(run)
    assert done.returncode == 0, done.stderr
    assert f"the encoder starts from {source}: " in done.stdout + done.stderr
    judged = run_to_evaluate(Store(tmp_path / "runs"), source, ON_SHAPES | plain)
    assert evaluate(judged, ["knn"], EVALUATED) == (0, ["knn"])
    assert read_evaluation(judged.paths, "knn").top1 == metric_table(run)["knn"][0][1]


@pytest.mark.parametrize("source", FETCHED)
def test_what_was_never_fetched_is_a_sentence(tmp_path, source):
    if source.startswith("timm"):
        pytest.importorskip("timm")
    done = simclr(tmp_path / "runs", "eval", source, "--data", "shapes", "--subset", "96", "--knn")
    assert done.returncode == ExitCode.CHECKPOINT, done.stderr
    assert f"the weights of {source} are not in its cache and cannot be fetched: " in done.stderr
    assert f"fetch the file elsewhere and give it in place of {source}" in done.stderr
    assert "Traceback" not in done.stderr
    assert Store(tmp_path / "runs").entries() == []


def test_a_file_of_timms_weights_is_judged_by_the_command_that_names_its_encoder(tmp_path):
    weights = weights_of_timm("test_resnet", tmp_path)
    torch.save(weights, tmp_path / "mine.pt")
    about = ["--data", "shapes", "--subset", "96", "--image-size", "32", "--threads", "1", "--device", "cpu"]
    done = simclr(tmp_path / "runs", "eval", str(tmp_path / "mine.pt"), *about, "--knn")
    assert done.returncode != 0
    assert "say what it is: --encoder NAME or --encoder timm:NAME" in done.stderr
    done = simclr(
        tmp_path / "runs", "eval", str(tmp_path / "mine.pt"), "--encoder", "timm:test_resnet", *about, "--knn"
    )
    assert done.returncode == 0, done.stderr
    assert "knn" in done.stdout
    kept = load_encoder(Store(tmp_path / "runs").run("mine"))
    for name, tensor in kept.weights().items():
        assert torch.equal(tensor, weights[name]), name
