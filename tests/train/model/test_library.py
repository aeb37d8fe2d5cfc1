"""Encoders of torchvision and timm: h is what the untouched model's classifier would have taken."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor, nn

from simclr_tui.api import load_encoder
from simclr_tui.errors import RecipeError, SimclrError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.tasks.encoder_facts import encoder_facts
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.torchvision_import import import_torchvision
from tests.training import tiny_run, train_in_process

models = import_torchvision().models

# One small member of each family → the classifier's first layer with weights, and the side of its images.
FAMILIES = {
    "alexnet": ("classifier.1", 64),
    "convnext_tiny": ("classifier.2", 64),
    "densenet121": ("classifier", 32),
    "efficientnet_b0": ("classifier.1", 32),
    "efficientnet_v2_s": ("classifier.1", 32),
    "googlenet": ("fc", 32),
    "inception_v3": ("fc", 75),
    "maxvit_t": ("classifier.3", 224),
    "mnasnet0_5": ("classifier.1", 32),
    "mobilenet_v2": ("classifier.1", 32),
    "mobilenet_v3_small": ("classifier.0", 32),
    "regnet_y_400mf": ("fc", 32),
    "resnext50_32x4d": ("fc", 96),
    "shufflenet_v2_x0_5": ("fc", 32),
    "squeezenet1_1": ("classifier.1", 32),
    "swin_t": ("head", 32),
    "swin_v2_t": ("head", 32),
    "vgg11": ("classifier.0", 32),
    "vit_b_16": ("heads.head", 32),
}
ARGUMENTS = {
    "vit_b_16": {"image_size": 32},
    "googlenet": {"init_weights": True},
    "inception_v3": {"init_weights": True},
}
# What of a whole model a cut one has no weights for.
LEFT_OUT = {"fc", "classifier", "head", "heads", "AuxLogits", "aux1", "aux2"}


@pytest.fixture(autouse=True)
def _quiet():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def entering(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    """What `layer` is given while the images pass."""
    seen: list[Tensor] = []
    handle = model.get_submodule(layer).register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    with torch.no_grad():
        model.eval()(images)
    handle.remove()
    return seen[0]


def give_weights(model: nn.Module, encoder: nn.Module) -> None:
    """The encoder's weights go in strictly but for the classifiers."""
    missing, unexpected = model.load_state_dict(encoder.weights(), strict=False)
    assert not unexpected
    assert {name.partition(".")[0] for name in missing} <= LEFT_OUT


@pytest.mark.parametrize("name", FAMILIES)
def test_h_is_what_enters_the_classifier(name):
    layer, side = FAMILIES[name]
    encoder = build_encoder(Recipe(encoder=name, image_size=side)).eval()
    reference = models.get_model(name, weights=None, **ARGUMENTS.get(name, {}))
    give_weights(reference, encoder)
    images = torch.rand(2, 3, side, side)
    expected = entering(reference, layer, images)
    expected = expected.mean((2, 3)) if name.startswith("squeezenet") else expected
    with torch.no_grad():
        h = encoder(images)
    assert h.shape == (2, encoder.dim)
    assert h.std() > 0
    torch.testing.assert_close(h, expected, atol=1e-5, rtol=1e-5)


BUILT_BY_LINES = (
    "convnext_tiny", "efficientnet_b0", "googlenet", "resnext50_32x4d", "squeezenet1_1", "swin_t", "vit_b_16",
    "timm:resnet10t", "timm:test_vit",
)  # fmt: skip


@pytest.mark.parametrize("name", BUILT_BY_LINES)
def test_its_lines_build_the_same_with_the_library_alone(name):
    side = 64 if name == "convnext_tiny" else 32
    encoder = build_encoder(Recipe(encoder=name, image_size=side)).eval()
    names: dict = {}
    exec("\n".join(encoder.source_lines), names)
    assert "simclr" not in "".join(encoder.source_lines)
    plain = names["encoder"].eval()
    plain.load_state_dict(encoder.weights(), strict=True)
    images = torch.rand(2, 3, side, side)
    with torch.no_grad():
        torch.testing.assert_close(encoder(images), plain(images), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "googlenet", "efficientnet_b0", "timm:ghostnet_050"])
def test_h_is_not_dropped_from_before_the_loss(name):
    """The dropout before a classifier goes with it: where there is no other, h repeats in training mode."""
    encoder = build_encoder(Recipe(encoder=name, image_size=32))
    images = torch.rand(4, 3, 32, 32)
    with torch.no_grad():
        repeats = torch.equal(encoder(images), encoder(images))
    assert encoder.training
    assert repeats is not encoder.stochastic
    assert encoder.stochastic is (name == "efficientnet_b0")


STOCHASTIC = {
    "convnext_tiny": True, "swin_t": True, "efficientnet_b0": True, "timm:convnext_atto": False,
    "mobilenet_v3_small": False, "squeezenet1_1": False, "densenet121": False, "timm:test_vit": False,
}  # fmt: skip


@pytest.mark.parametrize("name", STOCHASTIC)
def test_an_encoder_tells_whether_it_draws_while_it_trains(name):
    """Against torch's generator: a forward pass that draws moves it."""
    encoder = build_encoder(Recipe(encoder=name))
    before = torch.get_rng_state()
    with torch.no_grad():
        encoder(torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert encoder.stochastic is STOCHASTIC[name] is not torch.equal(torch.get_rng_state(), before)


def test_torchvisions_other_resnets_take_the_cifar_stem_and_zero_init():
    name = "resnext50_32x4d"
    encoder = build_encoder(Recipe(encoder=name, image_size=32, zero_init=True))
    reference = models.get_model(name, weights=None)
    reference.conv1, reference.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    give_weights(reference, encoder)
    images = torch.rand(2, 3, 32, 32)
    assert encoder.stem == "cifar"
    assert entering(reference, "layer1", images).shape[-2:] == (32, 32)
    with torch.no_grad():
        torch.testing.assert_close(encoder.eval()(images), entering(reference, "fc", images))
    assert all(block.bn3.weight.eq(0).all() for block in encoder.model.layer3)
    assert encoder.model.conv1.weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.1)


@pytest.mark.parametrize(
    ("name", "side", "dim"), [("resnet10t", 32, 512), ("test_vit", 48, 64), ("ghostnet_050", 32, 1280)]
)
def test_an_encoder_of_timm_gives_its_own_pooled_features(name, side, dim):
    import timm

    encoder = build_encoder(Recipe(encoder=f"timm:{name}", image_size=side)).eval()
    sized = {"img_size": side} if name == "test_vit" else {}
    reference = timm.create_model(name, pretrained=False, num_classes=7, **sized).eval()
    give_weights(reference, encoder)
    images = torch.rand(2, 3, side, side)
    with torch.no_grad():
        expected = reference.forward_head(reference.forward_features(images), pre_logits=True)
        torch.testing.assert_close(encoder(images), expected)
    assert encoder.dim == dim


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "timm:resnet10t"])
def test_a_seed_gives_the_same_start(name):
    def start() -> dict[str, Tensor]:
        torch.manual_seed(3)
        return build_encoder(Recipe(encoder=name)).state_dict()

    first, second = start(), start()
    assert all(torch.equal(value, second[key]) for key, value in first.items())


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (Recipe(encoder="mobilenetv3_small"), ["mobilenetv3_small", "did you mean mobilenet_v3_small?"]),
        (Recipe(encoder="resnet51"), ["resnet51", "did you mean resnet50?"]),
        (Recipe(encoder="fcn_resnet50"), ["fcn_resnet50"]),
        (Recipe(encoder="qqqq"), ["qqqq", "timm:NAME"]),
        (Recipe(encoder="timm:resnet10x"), ["resnet10x", "did you mean resnet10t?"]),
        (Recipe(encoder="timm:resnet18.a1_in1k"), ["the name of pretrained weights", "timm:resnet18"]),
        (Recipe(encoder="timm:qqqq"), ["qqqq", "timm.list_models()"]),
        (Recipe(encoder="alexnet", image_size=32), ["alexnet", "32 pixels", "--image-size 224"]),
        (Recipe(encoder="inception_v3", image_size=64), ["inception_v3", "64 pixels", "--image-size 224"]),
        (Recipe(encoder="vit_b_16", image_size=40), ["vit_b_16", "40 pixels", "--image-size 224"]),
        (Recipe(encoder="maxvit_t", image_size=32), ["maxvit_t", "32 pixels", "--image-size 224"]),
        (Recipe(encoder="timm:crossvit_tiny_240", image_size=224), ["crossvit", "224 pixels", "another --image-size"]),
        (Recipe(encoder="mobilenet_v2", stem="cifar"), ["mobilenet_v2", "--stem auto"]),
        (Recipe(encoder="mobilenet_v2", zero_init=True), ["mobilenet_v2", "--no-zero-init"]),
    ],
    ids=lambda value: f"{value.encoder}-{value.image_size}" if isinstance(value, Recipe) else "",
)
def test_an_encoder_that_cannot_be_is_one_sentence(recipe, words):
    with pytest.raises(RecipeError) as caught:
        build_encoder(recipe)
    assert caught.value.hint
    for word in words:
        assert word in str(caught.value)


def test_a_missing_timm_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(SimclrError, match=r"needs timm, which .* type: .*pip install 'simclr-tui\[encoders\]'"):
        build_encoder(Recipe(encoder="timm:resnet10t"))


@pytest.mark.parametrize(
    ("name", "published"),
    [("mobilenet_v3_small", 57e6), ("shufflenet_v2_x0_5", 40e6), ("swin_t", 4491e6), ("vit_b_16", 17564e6)],
)
def test_multiply_adds_are_those_published(name, published):
    """torchvision publishes them beside its weights, the classifier's included."""
    facts = encoder_facts(Recipe(encoder=name, image_size=224))
    classifier = {"mobilenet_v3_small": 576 * 1024 + 1024 * 1000}.get(name, facts.dim * 1000)
    assert facts.macs + classifier == pytest.approx(published, abs=0.5e6)


def test_a_run_trains_an_encoder_of_a_library(tmp_path):
    run = tiny_run(tmp_path, encoder="mobilenet_v3_small", width=1.0, image_size=32, subset=32, epochs=1)
    done = train_in_process(run)
    assert done.returncode == 0, done.stderr
    assert run.status.state == "finished"
    encoder = load_encoder(run)
    assert run.status.facts["dim"] == encoder.dim
    torch.manual_seed(run.recipe.seed)
    start = build_encoder(run.recipe).weights()
    assert not torch.equal(next(iter(encoder.weights().values())), next(iter(start.values())))
