"""Encoders of torchvision and timm: a classification model without its classifier, untrained.

h is the input of the classifier. Layers are initialised as the library does it.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.export.target import not_installed
from simclr_tui.text import did_you_mean
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.first_layer import cifar_stem_lines, fit_first_layer
from simclr_tui.train.model.torchvision_import import import_torchvision

_RESNETS = ("resnext", "wide_resnet")
_CLASSIFIERS = ("fc", "classifier", "head", "heads")
_REFUSALS = (AssertionError, IndexError, RuntimeError, TypeError, ValueError, ZeroDivisionError)


class LibraryEncoder(Encoder):
    """Wrap a library's `model` whose output is h."""

    def __init__(self, model: nn.Module, source_lines: tuple[str, ...], *, stem: str, dim: int, channels: int) -> None:
        super().__init__()
        self.model, self.source_lines, self.stem, self.dim, self.channels = model, source_lines, stem, dim, channels

    def forward(self, views: Tensor) -> Tensor:
        h: Tensor = self.model(views)
        return h

    def weights(self) -> dict[str, Tensor]:
        return self.model.state_dict()


def build_library_encoder(recipe: Recipe, channels: int) -> LibraryEncoder:
    """Return the recipe's encoder of torchvision or timm, freshly initialised from torch's global generator.

    Raises RecipeError where the library has none of that name, or it cannot take the recipe's images.
    """
    build = _from_timm if recipe.encoder.startswith("timm:") else _from_torchvision
    try:
        model, lines = build(recipe, channels)
        dim = _dimension(model, recipe.image_size, channels)
    except _REFUSALS as error:
        if "can't allocate memory" in str(error):
            raise
        raise _cannot_take(recipe, channels) from error
    _check_stem_and_init(recipe)
    if dim == 0:
        raise _cannot_take(recipe, channels)
    return LibraryEncoder(model, tuple(lines), stem=_stem(recipe), dim=dim, channels=channels)


def _check_stem_and_init(recipe: Recipe) -> None:
    if recipe.encoder.startswith(_RESNETS):
        return
    if recipe.stem == "cifar":
        raise RecipeError(f"{recipe.encoder} has its own first layer and cannot use --stem cifar", "give --stem auto")
    if recipe.zero_init:
        raise RecipeError(f"--zero-init is for ResNets, not for {recipe.encoder}", "give --no-zero-init")


def _stem(recipe: Recipe) -> str:
    if not recipe.encoder.startswith(_RESNETS):
        return "own"
    return "cifar" if recipe.cifar_stem else "imagenet"


def _cannot_take(recipe: Recipe, channels: int) -> RecipeError:
    other = "--image-size 224" if recipe.image_size != 224 else "another --image-size"
    images = f"images of {recipe.image_size} pixels" + (f" and {channels} channels" if channels != 3 else "")
    return RecipeError(f"{recipe.encoder} cannot take {images}", f"give {other}, or another --encoder")


@torch.no_grad()
def _dimension(model: nn.Module, side: int, channels: int) -> int:
    """Return the dimension of h for one image of zeros; 0 where the output is no vector. Leaves the model unchanged."""
    h = model.eval()(torch.zeros(1, channels, side, side))
    model.train()
    return int(h.shape[1]) if isinstance(h, Tensor) and h.ndim == 2 else 0


def _from_timm(recipe: Recipe, channels: int) -> tuple[nn.Module, list[str]]:
    timm, name = _import_timm(), recipe.encoder.removeprefix("timm:")
    names = timm.list_models()
    if name not in names:
        plain = name.partition(".")[0]
        hint = (
            f"the name of pretrained weights has no meaning here: give timm:{plain}"
            if plain in names
            else did_you_mean(name, names)
        )
        listing = "list them: python -c 'import timm; print(*timm.list_models())'"
        raise RecipeError(f"timm has no encoder {name!r}", hint or listing)
    known = timm.get_pretrained_cfg(name)
    # A model with a fixed number of tokens or windows must be told the size; others take any.
    options = {"img_size": recipe.image_size} if known is not None and known.fixed_input_size else {}
    if channels != 3:  # timm's own default, and not every model takes another
        options["in_chans"] = channels
    # drop_rate is that of the classifier's dropout, which some models keep without the classifier.
    model: nn.Module = timm.create_model(name, pretrained=False, num_classes=0, drop_rate=0.0, **options)
    words = _as_call({"num_classes": 0, **options})
    return model, ["import timm", "import torch", f'encoder = timm.create_model("{name}", {words})']


def _import_timm() -> ModuleType:
    import_torchvision()  # timm imports it too, without the placeholders that other builds of torch need
    try:
        return importlib.import_module("timm")
    except ImportError:
        raise not_installed("timm", "an encoder called timm:NAME", extra="encoders") from None


def _from_torchvision(recipe: Recipe, channels: int) -> tuple[nn.Module, list[str]]:
    models, name = import_torchvision().models, recipe.encoder
    names = models.list_models(module=models)
    if name not in names:
        hint = did_you_mean(name, names) or "timm's encoders are called timm:NAME"
        raise RecipeError(f"no encoder {name!r}, neither here nor in torchvision", hint)
    arguments = _family_arguments(recipe)
    model = models.get_model(name, weights=None, **arguments)
    lines = ["import torch", "import torchvision", f"encoder = torchvision.models.{name}({_as_call(arguments)})"]
    if name.startswith(_RESNETS):
        lines += _apply_resnet_options(model, recipe, channels)
    lines += fit_first_layer(model, channels)
    return model, [*lines, _remove_classifier(model)]


def _family_arguments(recipe: Recipe) -> dict[str, Any]:
    """Return the arguments that a family needs: the size of its images, or to omit auxiliary classifiers."""
    side = recipe.image_size
    plain = {"aux_logits": False, "init_weights": True}
    families: dict[str, dict[str, Any]] = {
        "vit": {"image_size": side},
        "maxvit": {"input_size": (side, side)},
        "googlenet": plain,
        "inception": plain,
    }
    return families.get(recipe.encoder.partition("_")[0], {})


def _as_call(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def _apply_resnet_options(model: Any, recipe: Recipe, channels: int) -> list[str]:
    """Apply the recipe's stem and initialisation to torchvision's ResNet. Returns the lines of Python that do so."""
    if recipe.zero_init:
        for stage in (model.layer1, model.layer2, model.layer3, model.layer4):
            for block in stage:
                nn.init.zeros_(block.bn3.weight)
    if not recipe.cifar_stem:
        return []
    model.conv1 = nn.Conv2d(channels, 64, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.maxpool = nn.Identity()
    return cifar_stem_lines(channels)


def _remove_classifier(model: Any) -> str:
    """Remove the classifier and the dropout before it. Returns the line of Python that does so.

    Of several layers, those before the first linear one stay. SqueezeNet's classifier is a convolution that is pooled
    afterwards: it is replaced by the pooling.
    """
    name = next(name for name in _CLASSIFIERS if hasattr(model, name))
    layers = getattr(model, name)
    kept: nn.Module
    if isinstance(layers, nn.Linear):
        kept, line = nn.Identity(), "torch.nn.Identity()"
    elif any(isinstance(layer, nn.Conv2d) for layer in layers):
        kept, line = nn.AdaptiveAvgPool2d(1), "torch.nn.AdaptiveAvgPool2d(1)"
    else:
        first = next(index for index, layer in enumerate(layers) if isinstance(layer, nn.Linear))
        kept, line = layers[:first], f"encoder.{name}[:{first}]"
    setattr(model, name, kept)
    for layer in [*kept.children(), getattr(model, "dropout", None)]:
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    return f"encoder.{name} = {line}"
