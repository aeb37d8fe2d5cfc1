"""Fit a library's model to images of any number of channels by replacing its first convolution."""

from __future__ import annotations

import math

from torch import nn

CIFAR_CONVOLUTION = "torch.nn.Conv2d({channels}, 64, 3, padding=1, bias=False)"


def cifar_stem_lines(channels: int) -> list[str]:
    """Return the lines of Python that give torchvision's ResNet the 3×3 stem (§B.9)."""
    return [
        f"encoder.conv1 = {CIFAR_CONVOLUTION.format(channels=channels)}",
        "encoder.maxpool = torch.nn.Identity()",
    ]


def fit_first_layer(model: nn.Module, channels: int) -> list[str]:
    """Replace the model's first convolution by one for `channels`. Returns the lines of Python that do so.

    Its weights are drawn as widely as the library's own, scaled so that outputs keep their variance. Nothing changes
    where the model takes that many channels already. Raises ValueError where the model has no convolution.
    """
    name, layer = first_convolution(model)
    if layer.in_channels == channels:
        return []
    if layer.groups != 1:
        raise ValueError(f"{name} has {layer.groups} groups")
    fitted = nn.Conv2d(
        channels,
        layer.out_channels,
        layer.kernel_size,  # type: ignore[arg-type]  # torch's own types forget that its attribute is its argument
        layer.stride,  # type: ignore[arg-type]
        layer.padding,  # type: ignore[arg-type]
        layer.dilation,  # type: ignore[arg-type]
        bias=layer.bias is not None,
    )
    deviation = float(layer.weight.detach().std()) * math.sqrt(layer.in_channels / channels)
    nn.init.normal_(fitted.weight, std=deviation)
    if layer.bias is not None:
        assert fitted.bias is not None
        fitted.bias.data.copy_(layer.bias.data)
    parent, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent), attribute, fitted)
    return [f"encoder{_as_path(name)} = {_as_source(fitted)}"]


def first_convolution(model: nn.Module) -> tuple[str, nn.Conv2d]:
    """Return the name and the module of the model's first convolution. Raises ValueError where there is none."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            return name, module
    raise ValueError("the model has no convolution")


def _as_path(name: str) -> str:
    """Return the expression after the model's name: `.features[0][0]` for features.0.0."""
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in name.split("."))


def _as_source(layer: nn.Conv2d) -> str:
    options = [
        str(layer.in_channels), str(layer.out_channels), _number(layer.kernel_size), f"stride={_number(layer.stride)}",
        f"padding={_number(layer.padding)}", f"bias={layer.bias is not None}",
    ]  # fmt: skip
    return f"torch.nn.Conv2d({', '.join(options)})"


def _number(pair: tuple[int, ...] | str) -> str:
    """Return the shortest argument: one number where both are equal."""
    return repr(pair[0] if isinstance(pair, tuple) and len(set(pair)) == 1 else pair)
