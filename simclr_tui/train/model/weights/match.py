"""Find an encoder's weights among the tensors of a file, whatever another program calls them.

A state dict of lightly, solo-learn or a plain training script holds the same network under a prefix, or with the
network's children numbered instead of named. What fits is decided by names and shapes together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from simclr_tui.errors import CheckpointError
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.weights.read import WeightsFile

Layout = Callable[[str], str]
"""A function from torchvision's name of a ResNet's tensor to that of another program."""

_TORCHVISION = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
_COPIES = re.compile(r"momentum|teacher|ema|target|_k\b|key|offline|optimizer")
"""Prefixes of a second copy of the network, which is taken only where there is no other."""


def _numbered(children: tuple[str, ...], shortcut: str) -> Layout:
    """Return the layout of `nn.Sequential(*network.children())`."""
    places = {name: str(place) for place, name in enumerate(children)}

    def layout(name: str) -> str:
        first, _, rest = name.partition(".")
        return f"{places.get(first, first)}.{rest}".replace("downsample", shortcut)

    return layout


LAYOUTS: tuple[Layout, ...] = (
    lambda name: name,
    _numbered(_TORCHVISION, "downsample"),  # lightly, around a ResNet of torchvision
    lambda name: name.replace("downsample", "shortcut"),  # lightly's own ResNet for CIFAR, whole
)
_TAKEN_APART = _numbered(("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"), "shortcut")
"""lightly's own ResNet as an `nn.Sequential` of its children, as its examples have it: without the ReLU of its stem,
which is no child. Its tensors are those of a ResNet, and its h is not."""


def refuse_taken_apart(file: WeightsFile) -> None:
    """Raise CheckpointError for a network whose tensors fit an encoder here that computes another h."""
    probe = _TAKEN_APART("layer1.0.conv1.weight")
    for prefix in (name.removesuffix(probe) for name in file.tensors if name.endswith(probe)):
        first = file.tensors.get(f"{prefix}0.weight")
        torchvisions = f"{prefix}6.0.conv1.weight" in file.tensors  # which has a ReLU and a pooling among its children
        if first is not None and first.ndim == 4 and not torchvisions:
            raise CheckpointError(
                f"{file.name} holds lightly's own ResNet taken apart into a Sequential, which leaves out the ReLU "
                "after its first norm: no encoder here computes its h",
                "save the network whole, or take lightly's backbone around torchvision's ResNet",
            )


@dataclass(frozen=True)
class Match:
    """Hold tensors of a file under an encoder's names; `prefix` is what the file's names begin with."""

    prefix: str
    tensors: dict[str, Tensor]


def fit_weights(file: WeightsFile, encoder: Encoder) -> Match:
    """Return the weights for `encoder.load_weights` in a file. Raises CheckpointError naming what does not fit."""
    wanted = encoder.weights()
    best = max(
        (
            _match(file.tensors, wanted, prefix, layout=layout)
            for prefix, layout in places(file.tensors, next(iter(wanted)))
        ),
        key=lambda match: (len(match.tensors), not _COPIES.search(match.prefix), -len(match.prefix)),
        default=Match("", {}),
    )
    missing = [name for name in wanted if name not in best.tensors and not name.endswith("num_batches_tracked")]
    if missing:
        raise CheckpointError(_mismatch(file, wanted, missing), "give the encoder that the file holds, by --encoder")
    return best


def wide_border(file: WeightsFile, prefix: str) -> str:
    """Return a sentence where the network is solo-learn's ResNet for CIFAR, whose h ours differs from a little.

    Its first layer pads images by two pixels in place of one, which no tensor of the file shows.
    """
    first, root = file.tensors.get(f"{prefix}conv1.weight"), prefix.removesuffix("backbone.")
    if first is None or prefix == root or f"{root}classifier.weight" not in file.tensors or first.shape[-1] != 3:
        return ""
    return "solo-learn pads images for this first layer by 2 pixels and not by 1: h differs a little from its own"


def places(tensors: Mapping[str, Tensor], probe: str) -> list[tuple[str, Layout]]:
    """Return the prefixes under which a tensor called `probe` by torchvision is found, each with its layout."""
    found = []
    for layout in LAYOUTS:
        end = layout(probe)
        found += [(name.removesuffix(end), layout) for name in tensors if name == end or name.endswith(f".{end}")]
    return found


def _match(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], prefix: str, *, layout: Layout) -> Match:
    found = {}
    for name, tensor in wanted.items():
        candidate = tensors.get(prefix + layout(name))
        if candidate is not None and candidate.shape == tensor.shape:
            found[name] = candidate
    return Match(prefix, found)


def _mismatch(file: WeightsFile, wanted: Mapping[str, Tensor], missing: list[str]) -> str:
    first = missing[0]
    count = sum(not name.endswith("num_batches_tracked") for name in wanted)
    ends = [name for name in file.tensors if name == first or name.endswith(f".{first}")]
    there = f" and {_shape(file.tensors[ends[0]])} there" if ends else " and missing there"
    return (
        f"{file.name} does not fit this encoder: {len(missing)} of its {count} tensors are missing or differ in shape; "
        f"{first} is {_shape(wanted[first])} here{there}"
    )


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a number"
