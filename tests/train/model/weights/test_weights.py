"""Weights of other programs: found by name and shape, read as numbers, refused in a sentence where they do not fit."""

from __future__ import annotations

import copy
import io
import os
import sys
import types
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from simclr_tui.errors import CheckpointError, SimclrError
from simclr_tui.recipe.recipe import NATIVE_ENCODERS, Recipe
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.torchvision_import import import_torchvision
from simclr_tui.train.model.weights.architecture import Architecture, recognise
from simclr_tui.train.model.weights.initial import load_initial, remedy
from simclr_tui.train.model.weights.match import fit_weights
from simclr_tui.train.model.weights.read import read_weights
from simclr_tui.train.model.weights.source import open_source

NARROW = Recipe(width=0.125, stem="imagenet", image_size=32)


@pytest.fixture(autouse=True)
def _quiet():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def trained() -> dict[str, Tensor]:
    """The weights of a narrow ResNet-18 whose batch norms have seen something."""
    encoder = build_encoder(NARROW)
    encoder(torch.rand(4, 3, 32, 32))
    return {name: tensor.clone() for name, tensor in encoder.weights().items()}


def loaded(path: Path, recipe: Recipe = NARROW) -> Encoder:
    """Another encoder of the recipe with the weights of a file."""
    torch.manual_seed(1)
    encoder = build_encoder(recipe)
    encoder.load_weights(fit_weights(read_weights(path), encoder).tensors)
    return encoder.eval()


def under(prefix: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in weights.items()}


def assert_holds(encoder: Encoder, weights: dict[str, Tensor]) -> None:
    for name, tensor in encoder.weights().items():
        assert torch.equal(tensor, weights[name]), name


def solo_learn(path: Path, *, cifar: bool, momentum: bool = False) -> nn.Module:
    """Write a checkpoint as solo-learn's SimCLR has Lightning write it, and return its backbone.

    Its configuration is a class of a library that is not there when the file is read.
    """
    backbone = import_torchvision().models.resnet18()
    backbone.fc = nn.Identity()
    if cifar:
        backbone.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=2, bias=False)
        backbone.maxpool = nn.Identity()
    backbone(torch.rand(4, 3, 32, 32))
    parts = {"backbone": backbone, "classifier": nn.Linear(512, 10)}
    parts["projector"] = nn.Sequential(nn.Linear(512, 2048), nn.ReLU(), nn.Linear(2048, 128))
    if momentum:
        parts["momentum_backbone"] = copy.deepcopy(backbone)
        nn.init.zeros_(parts["momentum_backbone"].bn1.weight)
    gone = types.ModuleType("configuration_library")
    gone.DictConfig = type("DictConfig", (dict,), {"__module__": gone.__name__})
    sys.modules[gone.__name__] = gone
    try:
        torch.save(
            {
                "epoch": 999, "global_step": 195000, "pytorch-lightning_version": "1.6.4",
                "state_dict": nn.ModuleDict(parts).state_dict(), "loops": {}, "callbacks": {"ModelCheckpoint": {}},
                "optimizer_states": [{"state": {0: {"momentum_buffer": torch.zeros(2)}}, "param_groups": []}],
                "lr_schedulers": [], "hparams_name": "cfg", "hyper_parameters": gone.DictConfig(method="simclr"),
            }, path,
        )  # fmt: skip
    finally:
        del sys.modules[gone.__name__]
    return backbone.eval()


def test_solo_learns_checkpoint_gives_the_same_h_and_its_momentum_twin_is_not_taken(tmp_path):
    backbone = solo_learn(tmp_path / "solo.ckpt", cifar=False, momentum=True)
    file = open_source(str(tmp_path / "solo.ckpt"))
    assert recognise(file.tensors) == Architecture("resnet18", 1.0, "imagenet", 3)
    images, recipe = torch.rand(2, 3, 64, 64), Recipe(stem="imagenet", image_size=64, init=str(tmp_path / "solo.ckpt"))
    encoder = build_encoder(recipe)
    assert "solo-learn pads" not in load_initial(encoder, recipe)
    with torch.no_grad():
        torch.testing.assert_close(encoder.eval()(images), backbone(images), atol=1e-5, rtol=1e-5)


def test_solo_learns_wider_border_for_cifar_is_said(tmp_path):
    backbone = solo_learn(tmp_path / "solo.ckpt", cifar=True)
    recipe = Recipe(init=str(tmp_path / "solo.ckpt"))
    encoder = build_encoder(recipe)
    assert "solo-learn pads images for this first layer by 2 pixels and not by 1" in load_initial(encoder, recipe)
    assert_holds(encoder, backbone.state_dict())


@pytest.mark.parametrize("prefix", ["", "module.", "module.encoder_q.", "online_encoder.net.0."])
def test_a_prefix_is_found_whatever_it_is(trained, tmp_path, prefix):
    torch.save({"model": under(prefix, trained)}, tmp_path / "w.pth")
    assert_holds(loaded(tmp_path / "w.pth"), trained)


def lightly():
    return pytest.importorskip("lightly", reason="lightly is not installed: its real checkpoints are not read")


def test_lightlys_checkpoint_around_torchvisions_resnet_gives_the_same_h(tmp_path):
    modules = lightly() and pytest.importorskip("lightly.models.modules")
    network = import_torchvision().models.resnet18()
    backbone = nn.Sequential(*list(network.children())[:-1])
    model = nn.ModuleDict({"backbone": backbone, "projection_head": modules.SimCLRProjectionHead(512, 64, 32)})
    backbone(torch.rand(4, 3, 32, 32))
    torch.save({"state_dict": model.state_dict(), "callbacks": {}, "epoch": 1}, tmp_path / "lightly.ckpt")
    images = torch.rand(2, 3, 32, 32)
    encoder = loaded(tmp_path / "lightly.ckpt", Recipe(stem="imagenet", image_size=32))
    with torch.no_grad():
        torch.testing.assert_close(encoder(images), backbone.eval()(images).flatten(1), atol=1e-5, rtol=1e-5)


def test_lightlys_own_resnet_for_cifar_gives_the_same_h_whole_and_is_refused_without_its_relu(tmp_path):
    models = lightly() and pytest.importorskip("lightly.models")
    network = models.ResNetGenerator("resnet-18", num_classes=7)
    network(torch.rand(4, 3, 32, 32))
    torch.save({"model": network.state_dict()}, tmp_path / "whole.pt")
    file = open_source(str(tmp_path / "whole.pt"))
    assert recognise(file.tensors) == Architecture("resnet18", 1.0, "cifar", 3)
    images = torch.rand(2, 3, 32, 32)
    seen: list[Tensor] = []
    network.eval().linear.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    with torch.no_grad():
        network(images)
        torch.testing.assert_close(loaded(tmp_path / "whole.pt", Recipe())(images), seen[0], atol=1e-5, rtol=1e-5)
    apart = nn.Sequential(*list(network.children())[:-1], nn.AdaptiveAvgPool2d(1))
    torch.save(nn.ModuleDict({"backbone": apart}).state_dict(), tmp_path / "apart.pt")
    with pytest.raises(CheckpointError, match="leaves out the ReLU"):
        open_source(str(tmp_path / "apart.pt"))


def test_lightlys_names_around_torchvisions_resnet_give_the_same_h(tmp_path):
    """What lightly's `SimCLRProjectionHead` and the `nn.Sequential` of its examples call their tensors."""
    backbone = nn.Sequential(*list(import_torchvision().models.resnet18().children())[:-1])
    backbone(torch.rand(4, 3, 32, 32))
    head = nn.Module()
    head.layers = nn.Sequential(
        nn.Linear(512, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 32, bias=False), nn.BatchNorm1d(32)
    )
    state = nn.ModuleDict({"backbone": backbone, "projection_head": head}).state_dict()
    assert {"backbone.0.weight", "backbone.4.0.conv1.weight", "projection_head.layers.3.weight"} <= state.keys()
    torch.save({"state_dict": state, "callbacks": {}, "epoch": 1}, tmp_path / "lightly.ckpt")
    file = open_source(str(tmp_path / "lightly.ckpt"))
    assert recognise(file.tensors) == Architecture("resnet18", 1.0, "imagenet", 3)
    images = torch.rand(2, 3, 32, 32)
    encoder = loaded(tmp_path / "lightly.ckpt", Recipe(stem="imagenet", image_size=32))
    with torch.no_grad():
        torch.testing.assert_close(encoder(images), backbone.eval()(images).flatten(1), atol=1e-5, rtol=1e-5)


def lightlys_resnet_for_cifar() -> nn.Module:
    """The network that lightly's `ResNetGenerator("resnet-18")` makes, under torchvision's names."""
    network = import_torchvision().models.resnet18(num_classes=7)
    network.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
    network.maxpool = nn.Identity()
    network(torch.rand(4, 3, 32, 32))
    return network.eval()


def test_lightlys_names_for_its_own_resnet_give_the_same_h_whole_and_are_refused_taken_apart(tmp_path):
    network = lightlys_resnet_for_cifar()
    names = {name: name.replace("downsample", "shortcut").replace("fc.", "linear.") for name in network.state_dict()}
    whole = {names[name]: tensor for name, tensor in network.state_dict().items()}
    assert {"conv1.weight", "layer2.0.shortcut.0.weight", "linear.bias"} <= whole.keys()
    torch.save({"model": whole}, tmp_path / "whole.pt")
    file = open_source(str(tmp_path / "whole.pt"))
    assert recognise(file.tensors) == Architecture("resnet18", 1.0, "cifar", 3)
    images = torch.rand(2, 3, 32, 32)
    network.fc = nn.Identity()
    with torch.no_grad():
        torch.testing.assert_close(
            loaded(tmp_path / "whole.pt", Recipe())(images), network(images), atol=1e-5, rtol=1e-5
        )
    places = {name: str(place) for place, name in enumerate(("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"))}
    split = {name: name.partition(".") for name in whole if not name.startswith("linear.")}
    apart = {f"backbone.{places[first]}.{rest}": whole[name] for name, (first, _, rest) in split.items()}
    assert {"backbone.0.weight", "backbone.3.0.shortcut.0.weight"} <= apart.keys()
    torch.save(apart, tmp_path / "apart.pt")
    with pytest.raises(CheckpointError, match="leaves out the ReLU"):
        open_source(str(tmp_path / "apart.pt"))


class Hostile:
    """A pickle that would run a command."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return (os.mkdir, (str(self.mark),))


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_hostile_checkpoint_is_numbers_and_nothing_is_run(trained, tmp_path, zipped):
    path, mark = tmp_path / "w.pth", tmp_path / "run"
    torch.save({"args": Hostile(mark), "model": trained}, path, _use_new_zipfile_serialization=zipped)
    assert_holds(loaded(path), trained)
    assert not mark.exists()


def test_what_holds_no_weights_is_a_sentence(tmp_path):
    (tmp_path / "text.pt").write_text("no weights at all")
    torch.save({"epoch": 3}, tmp_path / "empty.pt")
    torch.jit.script(nn.Linear(2, 2)).save(tmp_path / "script.pt")
    (tmp_path / "short.safetensors").write_bytes(b"\x10")
    with zipfile.ZipFile(tmp_path / "zip.pt", "w") as archive:
        archive.writestr("a/b", "c")
    whole = io.BytesIO()
    torch.save({"a": torch.zeros(100)}, whole)
    (tmp_path / "cut.pt").write_bytes(whole.getvalue()[:-200])
    for name, words in {
        "text.pt": "cannot be read as weights", "empty.pt": "holds no tensors", "script.pt": "TorchScript",
        "short.safetensors": "damaged", "zip.pt": "cannot be read as weights", "none.pt": "cannot read",
        "cut.pt": "cannot be read as weights",
    }.items():  # fmt: skip
        with pytest.raises(CheckpointError, match=words) as refused:
            read_weights(tmp_path / name)
        assert ". " not in str(refused.value), "a library's advice is left out"


def test_a_mismatch_names_a_tensor_both_shapes_and_the_remedy(trained, tmp_path):
    torch.save(trained, tmp_path / "w.pt")
    file = read_weights(tmp_path / "w.pt")
    with pytest.raises(CheckpointError, match=r"100 of its 100 tensors .* conv1.weight is 16×3×7×7 here and 8×3×7×7"):
        fit_weights(file, build_encoder(Recipe(width=0.25, stem="imagenet")))
    assert remedy(file) == "it holds a resnet18 for 3 channels: --encoder resnet18 --stem imagenet --width 0.125"
    with pytest.raises(SimclrError, match=r"--init: w.pt does not fit .* --encoder resnet18 --stem imagenet"):
        load_initial(build_encoder(Recipe()), Recipe(init=str(tmp_path / "w.pt")))


@pytest.mark.parametrize("name", NATIVE_ENCODERS)
def test_every_native_encoder_is_recognised(name):
    with torch.device("meta"):
        encoder = build_encoder(Recipe(encoder=name, width=0.5, stem="cifar"), 5)
    assert recognise(under("model.", encoder.weights())) == Architecture(name, 0.5, "cifar", 5)
    assert recognise({"blocks.0.attn.qkv.weight": torch.zeros(3, 3)}) is None


def test_the_encoder_starts_from_a_file_and_the_head_stays_as_drawn(trained, tmp_path):
    torch.save(trained, tmp_path / "w.pt")
    recipe = Recipe(**{**NARROW_FIELDS, "init": str(tmp_path / "w.pt")})
    encoder = build_encoder(recipe)
    assert load_initial(encoder, recipe).startswith("the encoder starts from ")
    assert_holds(encoder, trained)
    assert load_initial(encoder, NARROW) == ""


NARROW_FIELDS = {"width": 0.125, "stem": "imagenet", "image_size": 32}


def test_timms_weights_are_read_from_a_file_where_there_is_no_net(tmp_path):
    import_torchvision()
    timm = pytest.importorskip("timm")
    network = timm.create_model("resnet10t", num_classes=5)
    torch.save({"state_dict": network.state_dict()}, tmp_path / "timm.pth")
    encoder = loaded(tmp_path / "timm.pth", Recipe(encoder="timm:resnet10t"))
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        expected = network.eval().forward_head(network.forward_features(images), pre_logits=True)
        torch.testing.assert_close(encoder(images), expected, atol=1e-5, rtol=1e-5)


def test_torchvisions_weights_come_from_its_cache_and_a_missing_file_is_a_sentence(tmp_path, monkeypatch):
    """There is no net in a test: the cache holds what torchvision would have fetched."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    models = import_torchvision().models
    file = tmp_path / "checkpoints" / models.ResNet18_Weights.DEFAULT.url.rpartition("/")[2]
    file.parent.mkdir()
    network = models.resnet18()
    torch.save(network.state_dict(), file)
    encoder = build_encoder(Recipe(stem="imagenet"))
    encoder.load_weights(fit_weights(open_source("torchvision:resnet18"), encoder).tensors)
    assert_holds(encoder, network.state_dict())

    def offline(*_args: object, **_words: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.delenv("SIMCLR_OFFLINE", raising=False)
    with pytest.raises(CheckpointError, match="resnet34 are not in its cache and cannot be fetched: no route"):
        open_source("torchvision:resnet34")
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    with pytest.raises(CheckpointError, match="cannot be fetched: SIMCLR_OFFLINE is set"):
        open_source("torchvision:resnet34")
    with pytest.raises(SimclrError, match="torchvision has no model 'resnet19'"):
        open_source("torchvision:resnet19")
    with pytest.raises(SimclrError, match="there is no file"):
        open_source(str(tmp_path / "none.pt"))
