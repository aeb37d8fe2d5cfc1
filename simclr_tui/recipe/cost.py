"""The cost of a recipe, computed before it starts and without torch: parameters, multiply-adds, checkpoint size."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import msgspec

from simclr_tui.recipe.recipe import Recipe

DEPTHS: dict[str, tuple[int, int, int, int]] = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}
"""Number of blocks in each stage of the native encoders."""
BASIC = ("resnet18", "resnet34")
"""Encoders made of basic blocks (two 3×3 convolutions); the others use bottlenecks, whose output is 4 times as wide."""
_SLOTS = {"sgd": 1, "lars": 1, "adam": 2, "adamw": 2}  # optimiser tensors per parameter


class EncoderFacts(msgspec.Struct, frozen=True):
    """Describe an encoder that is not native, as counted on the encoder itself.

    `dim` is the dimension of h, `macs` the multiply-adds of one view's forward pass in convolutions and matrix
    products.
    """

    dim: int
    parameters: int
    macs: int


@dataclass(frozen=True)
class Cost:
    """Hold the cost of a recipe: `dim` is the dimension of h, `z_dim` that of z.

    `macs` are the multiply-adds of one view's forward pass; training on an image costs six times as many (two views,
    and a backward pass of twice the forward).
    """

    dim: int
    z_dim: int
    parameters: int
    macs: int
    checkpoint_bytes: int


def stage_widths(width: float) -> tuple[int, int, int, int]:
    """Return the channels of the four stages at a width multiplier: the nearest multiples of 8, and at least 8."""
    first, second, third, fourth = (max(8, 8 * round(base * width / 8)) for base in (64, 128, 256, 512))
    return first, second, third, fourth


def head_widths(kind: str, dim: int, hidden: int, *, out: int) -> tuple[int, ...]:
    """Return the widths from h to z, with a linear layer between each pair. `hidden` 0 stands for `dim`."""
    hidden = hidden or dim
    return {"none": (dim,), "linear": (dim, out), "mlp": (dim, hidden, out), "mlp3": (dim, hidden, hidden, out)}[kind]


def cost(recipe: Recipe, facts: EncoderFacts | None = None, channels: int = 3) -> Cost:
    """Return the cost of a recipe's encoder and head, counted layer by layer for images with `channels` channels.

    Batch-norm statistics are part of a checkpoint but are not counted. `facts` are required for an encoder that is
    not native, and are used as given.
    """
    counter = _Counter()
    if facts is None:
        dim = _native(recipe, counter, channels)
    else:
        dim, counter.parameters, counter.macs = facts.dim, facts.parameters, facts.macs
    widths = head_widths(recipe.head, dim, recipe.head_hidden, out=recipe.head_dim)
    counter.head(widths, recipe.head_bn)
    saved = counter.parameters * (1 + _SLOTS[recipe.optimizer])
    return Cost(dim, widths[-1], counter.parameters, counter.macs, checkpoint_bytes=4 * saved)


def _native(recipe: Recipe, counter: _Counter, channels: int) -> int:
    """Count a native ResNet and return the dimension of h."""
    widths = stage_widths(recipe.width)
    side = recipe.image_size if recipe.cifar_stem else -(-recipe.image_size // 2)
    counter.conv(channels, widths[0], 3 if recipe.cifar_stem else 7, side=side)
    side = side if recipe.cifar_stem else -(-side // 2)
    expansion = 1 if recipe.encoder in BASIC else 4
    inputs = widths[0]
    for stage, blocks in enumerate(DEPTHS[recipe.encoder]):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            side_in, side = side, -(-side // stride)
            counter.block(inputs, widths[stage], expansion, side_in=side_in, side=side, stride=stride)
            inputs = widths[stage] * expansion
    return inputs


class _Counter:
    def __init__(self) -> None:
        self.parameters = 0
        self.macs = 0

    def conv(self, inputs: int, outputs: int, kernel: int, *, side: int) -> None:
        """Count a convolution and the batch norm that follows it."""
        weights = inputs * outputs * kernel * kernel
        self.parameters += weights + 2 * outputs
        self.macs += weights * side * side

    def block(self, inputs: int, width: int, expansion: int, *, side_in: int, side: int, stride: int) -> None:
        if expansion == 1:
            self.conv(inputs, width, 3, side=side)
            self.conv(width, width, 3, side=side)
        else:
            self.conv(inputs, width, 1, side=side_in)
            self.conv(width, width, 3, side=side)
            self.conv(width, width * expansion, 1, side=side)
        if stride != 1 or inputs != width * expansion:
            self.conv(inputs, width * expansion, 1, side=side)

    def head(self, widths: tuple[int, ...], batch_norm: bool) -> None:
        """Count the head's linear layers.

        Batch norm scales the output of every layer and shifts all but the last; without it, each layer has a bias.
        """
        for inputs, outputs in itertools.pairwise(widths):
            self.parameters += inputs * outputs + (2 * outputs if batch_norm else outputs)
            self.macs += inputs * outputs
        if batch_norm and len(widths) > 1:
            self.parameters -= widths[-1]
