"""Recognise the ResNet whose weights a file holds by the names and shapes of its tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from simclr_tui.recipe.cost import BASIC, DEPTHS
from simclr_tui.train.model.weights.match import Layout, places


@dataclass(frozen=True)
class Architecture:
    """Hold what a recipe and the data say of a native encoder."""

    encoder: str
    width: float
    stem: str
    channels: int


def recognise(tensors: Mapping[str, Tensor]) -> Architecture | None:
    """Return the native encoder whose weights these are; None where they are those of another network."""
    for prefix, layout in places(tensors, "layer1.0.conv1.weight"):
        found = _recognise_at(tensors, prefix, layout)
        if found is not None:
            return found
    return None


def _recognise_at(tensors: Mapping[str, Tensor], prefix: str, layout: Layout) -> Architecture | None:
    first = tensors.get(prefix + layout("conv1.weight"))
    if first is None or first.ndim != 4:
        return None
    depths = tuple(_blocks(tensors, prefix, layout(f"layer{stage}.0.conv1.weight")) for stage in (1, 2, 3, 4))
    basic = prefix + layout("layer1.0.conv3.weight") not in tensors
    encoder = next((name for name, known in DEPTHS.items() if known == depths and (name in BASIC) == basic), None)
    if encoder is None:
        return None
    stem = "cifar" if first.shape[-1] == 3 else "imagenet"
    return Architecture(encoder, first.shape[0] / 64, stem, first.shape[1])


def _blocks(tensors: Mapping[str, Tensor], prefix: str, first: str) -> int:
    """Return how many blocks a stage has, `first` being the name of its first block's first convolution."""
    before, _, after = first.partition(".0.")
    name = re.compile(re.escape(f"{prefix}{before}.") + r"(\d+)\." + re.escape(after))
    return len({match[1] for tensor in tensors if (match := name.fullmatch(tensor))})
