"""The encoder taken away: the lines in the file beside it are executed, and h is the same."""

from __future__ import annotations

import hashlib
import json
import re
import runpy
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open

import simclr_tui
from simclr_tui.errors import SimclrError
from simclr_tui.interpreter import extra_command
from simclr_tui.launch.tasks import export_encoder
from simclr_tui.store.run import Run
from simclr_tui.tasks import onnx as onnx_file
from simclr_tui.tasks.export import export
from simclr_tui.train.model import torchvision_import
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.head import build_head
from simclr_tui.train.persist import checkpoint
from tests.training import tiny_run, train_in_process

WIDE = {"width": 1.0, "epochs": 1, "knn_every": 0}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Run:
    """A run of a whole ResNet-18 with the CIFAR stem, trained for six steps in a process of its own."""
    torch.set_num_threads(1)
    run = tiny_run(tmp_path_factory.mktemp("runs"), **WIDE)
    done = train_in_process(run)
    assert done.returncode == 0, done.stderr
    return run


def untrained(root, channels: int = 3, **flags) -> Run:
    """A run with a checkpoint whose batch norms have seen something, made without training."""
    torch.manual_seed(0)
    run = tiny_run(root, **flags)
    encoder = build_encoder(run.recipe, channels)
    encoder(torch.rand(8, channels, run.recipe.image_size, run.recipe.image_size))
    head = build_head(run.recipe, encoder.dim)
    state = {"encoder": encoder.state_dict(), "head": head.state_dict(), "optimizer": {}, "step": 7}
    state |= {"channels": channels} if channels != 3 else {}  # 0.1 wrote none
    checkpoint.save(run.paths, state, 7, epoch=1.0)
    return run


def run_lines(target, monkeypatch) -> dict:
    """Execute the Python in the file beside an export, where it says that it is to be executed."""
    text = target.with_name(f"{target.name}.md").read_text()
    (lines,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(target.parent)
    names: dict = {}
    exec(compile(lines, str(target), "exec"), names)
    return names


def assert_same_h(names: dict, run: Run) -> None:
    images = names["images"]
    with torch.no_grad():
        expected = simclr_tui.load_encoder(run)(torch.as_tensor(images)).numpy()
    h = names["h"].detach().numpy() if isinstance(names["h"], torch.Tensor) else names["h"]
    assert h.shape == expected.shape
    assert h.std() > 0
    np.testing.assert_allclose(h, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_a_trained_encoder_gives_the_same_h_elsewhere(trained, tmp_path, monkeypatch, suffix):
    target = tmp_path / f"e.{suffix}"
    written = export_encoder(trained, target, quiet=True) if suffix == "pt" else export(trained, target)
    assert written.files == [str(target), f"{target}.md"]
    assert written.bytes == target.stat().st_size
    names = run_lines(target, monkeypatch)
    assert_same_h(names, trained)
    assert type(names["encoder"]).__module__ == "torchvision.models.resnet"
    assert sorted(path.name for path in tmp_path.iterdir()) == [target.name, f"{target.name}.md"]


@pytest.mark.parametrize(
    "flags",
    [
        {"encoder": "resnet18", "stem": "imagenet", "width": 1.0, "image_size": 64},
        {"encoder": "resnet50", "width": 1.0},
        {"encoder": "resnet18", "width": 0.3},
        {"encoder": "resnet50", "stem": "imagenet", "width": 0.125, "image_size": 64},
        {"encoder": "resnet18", "width": 1.0, "channels": 5},
        {"encoder": "resnet18", "stem": "imagenet", "width": 1.0, "image_size": 64, "channels": 1},
        {"encoder": "resnet18", "width": 0.125, "channels": 13},
        {"encoder": "mobilenet_v3_small", "width": 1.0, "image_size": 32, "channels": 4},
    ],
    ids=lambda flags: "-".join(str(value) for value in flags.values()),
)
def test_the_lines_fit_every_architecture_stem_and_width(tmp_path, monkeypatch, flags):
    run = untrained(tmp_path / "runs", **flags)
    target = tmp_path / 'an odd "name".pt'
    export(run, target)
    assert_same_h(run_lines(target, monkeypatch), run)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "timm:resnet10t"])
def test_the_lines_build_an_encoder_of_a_library_with_that_library_alone(tmp_path, monkeypatch, name):
    run = untrained(tmp_path / "runs", encoder=name, width=1.0, image_size=32, head="linear")
    target = tmp_path / "e.safetensors"
    assert export(run, target).content.startswith(name)
    names = run_lines(target, monkeypatch)
    assert_same_h(names, run)
    assert type(names["encoder"]).__module__.split(".")[0] == ("timm" if name.startswith("timm:") else "torchvision")
    with safe_open(target, "pt") as file:
        assert set(file.keys()) == set(names["encoder"].state_dict())
        assert file.metadata()["stem"] == "own"


def test_an_encoder_of_a_library_goes_into_onnx(tmp_path, monkeypatch):
    run = untrained(tmp_path / "runs", encoder="mobilenet_v3_small", width=1.0, image_size=32, head="none")
    export(run, tmp_path / "e.onnx")
    assert_same_h(run_lines(tmp_path / "e.onnx", monkeypatch), run)


def test_plain_torchvision_takes_the_weights_all_but_fc(trained, tmp_path):
    target = tmp_path / "e.pt"
    export(trained, target)
    plain = torchvision_import.import_torchvision().models.resnet18()
    plain.conv1, plain.maxpool = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False), torch.nn.Identity()
    missing, unexpected = plain.load_state_dict(torch.load(target, weights_only=True), strict=False)
    assert (sorted(missing), unexpected) == (["fc.bias", "fc.weight"], [])


def test_the_file_says_what_it_is(trained, tmp_path):
    target = tmp_path / "e.safetensors"
    export(trained, target)
    recipe = hashlib.sha256(trained.paths.recipe.read_bytes()).hexdigest()
    with safe_open(target, "pt") as file:
        known = file.metadata()
    assert known["recipe_sha256"] == recipe == trained.checkpoints[0].recipe
    told = {key: known[key] for key in ("architecture", "width", "stem", "image_size", "dim", "step", "run")}
    assert told == {
        "architecture": "resnet18", "width": "1", "stem": "cifar", "image_size": "16", "dim": "512", "step": "6",
        "run": trained.name,
    }  # fmt: skip
    text = target.with_name("e.safetensors.md").read_text()
    for words in (
        "resnet18, width ×1",
        "stride 1, no pooling",
        "(N, 3, 16, 16)",
        "[0, 1]",
        "(N, 512)",
        "step 6",
        recipe,
    ):
        assert words in text


@pytest.fixture(scope="module")
def onnx_export(tmp_path_factory):
    """A narrow run and its encoder as ONNX, exported in a process of its own."""
    folder = tmp_path_factory.mktemp("onnx")
    run = untrained(folder / "runs", width=0.25)
    target = folder / "e.onnx"
    assert export_encoder(run, target, quiet=True).files == [str(target), f"{target}.md"]
    return run, target


def test_onnx_takes_any_batch_and_agrees_with_torch(onnx_export, monkeypatch):
    run, target = onnx_export
    assert_same_h(run_lines(target, monkeypatch), run)
    model = onnx.load(target)
    onnx.checker.check_model(model, full_check=True)
    assert {item.key: item.value for item in model.metadata_props}["run"] == run.name
    session, encoder = onnxruntime.InferenceSession(target), simclr_tui.load_encoder(run)
    for batch in (1, 2, 5, 64):
        images = torch.rand(batch, 3, 16, 16)
        (h,) = session.run(["h"], {"images": images.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(h, encoder(images).numpy(), atol=1e-4, rtol=1e-4)


def test_an_onnx_that_computes_something_else_is_not_written(onnx_export, tmp_path, monkeypatch):
    """What another encoder was exported to stands for an export gone wrong: the comparison must see it."""
    other = untrained(tmp_path / "runs", width=0.25, stem="imagenet")
    whole = onnx_export[1].read_bytes()
    monkeypatch.setattr(onnx_file, "_exported", lambda encoder, card: whole)
    with pytest.raises(SimclrError, match="a different h than torch"):
        export(other, tmp_path / "e.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


@pytest.mark.parametrize(
    ("package", "suffix"),
    [("onnxscript", "onnx"), ("onnxruntime", "onnx"), ("safetensors.torch", "safetensors")],
)
def test_a_missing_package_is_one_sentence(tmp_path, monkeypatch, package, suffix):
    run = untrained(tmp_path / "runs")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SimclrError) as caught:
        export(run, tmp_path / f"e.{suffix}")
    named = package.partition(".")[0]
    assert f"needs {named}, which is not installed — type: {extra_command(suffix)}" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_what_cannot_be_exported_is_one_sentence(trained, tmp_path):
    for name, said in (("e.h5", "ends in .safetensors"), ("gone/e.pt", "there is no folder")):
        with pytest.raises(SimclrError, match=said) as caught:
            export_encoder(trained, tmp_path / name, quiet=True)
        assert caught.value.exit_code == 2
    with pytest.raises(SimclrError, match="has no checkpoint yet") as caught:
        export_encoder(tiny_run(tmp_path / "runs"), tmp_path / "e.pt", quiet=True)
    assert caught.value.exit_code == 8
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_the_card_and_onnx_of_other_channels_say_and_take_them(tmp_path, monkeypatch):
    run = untrained(tmp_path / "runs", channels=5, width=0.125)
    export(run, tmp_path / "e.onnx")
    assert "| input | 5 channels, float32, (N, 5, 16, 16)" in (tmp_path / "e.onnx.md").read_text()
    assert_same_h(run_lines(tmp_path / "e.onnx", monkeypatch), run)
    (entry,) = [item.value for item in onnx.load(tmp_path / "e.onnx").metadata_props if item.key == "channels"]
    assert entry == "5"


@pytest.mark.parametrize(
    "flags",
    [
        {"encoder": "resnet18", "width": 0.3, "normalize": "data"},
        {"encoder": "resnet50", "stem": "imagenet", "width": 0.125, "image_size": 64, "channels": 5},
    ],
    ids=lambda flags: flags["encoder"],
)
def test_a_folder_gives_the_same_h_where_simclr_tui_cannot_be_imported(tmp_path, flags):
    run = untrained(tmp_path / "runs", **flags)
    folder = tmp_path / "out" / "folder"
    written = export(run, folder, folder=True)
    assert written.files == [str(folder), str(folder / "README.md")]
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "encoder.pt", "load.py"]
    encoder = simclr_tui.load_encoder(run)
    images = torch.rand(2, encoder.channels, run.recipe.image_size, run.recipe.image_size)
    torch.save(images, tmp_path / "images.pt")
    code = """
import sys
sys.modules["simclr_tui"] = None
import torch
from load import load_encoder
with torch.no_grad():
    torch.save(load_encoder()(torch.load(sys.argv[1], weights_only=True)), sys.argv[2])
"""
    command = [sys.executable, "-c", code, str(tmp_path / "images.pt"), str(tmp_path / "h.pt")]
    subprocess.run(command, check=True, cwd=folder, timeout=240)
    with torch.no_grad():
        expected = encoder(images)
    torch.testing.assert_close(torch.load(tmp_path / "h.pt", weights_only=True), expected, atol=1e-4, rtol=1e-4)
    assert json.loads((folder / "config.json").read_text())["dim"] == encoder.dim


def test_the_card_of_a_folder_shows_its_loader_and_torchvision_alone(trained, tmp_path, monkeypatch):
    export(trained, tmp_path / "folder", folder=True)
    text = (tmp_path / "folder" / "README.md").read_text()
    own, plain = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path / "folder")
    monkeypatch.syspath_prepend(str(tmp_path / "folder"))
    for lines in (own, plain):
        names: dict = {}
        exec(compile(lines, "README.md", "exec"), names)
        assert_same_h(names, trained)
    assert "torchvision" in plain
    assert "torchvision" not in own


def test_the_loader_of_a_librarys_encoder_builds_it_with_that_library(tmp_path):
    run = untrained(tmp_path / "runs", encoder="mobilenet_v3_small", width=1.0, image_size=32, normalize="imagenet")
    export(run, tmp_path / "folder", folder=True)
    torchvision_import.import_torchvision()
    encoder = runpy.run_path(str(tmp_path / "folder" / "load.py"))["load_encoder"]()
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(encoder(images), simclr_tui.load_encoder(run)(images), atol=1e-4, rtol=1e-4)
    assert "simclr_tui" not in (tmp_path / "folder" / "load.py").read_text()
