"""What a recipe will cost, told before it starts and without torch: parameters, multiply-adds, checkpoint size."""

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
"""Blocks in each stage of the native encoders."""
BASIC = ("resnet18", "resnet34")
"""Those of two 3×3 convolutions a block; the others are of bottlenecks, whose output is four times as wide."""
_SLOTS = {"sgd": 1, "lars": 1, "adam": 2, "adamw": 2}  # optimiser tensors a parameter


class EncoderFacts(msgspec.Struct, frozen=True):
    """Of an encoder that is not native, counted on the encoder itself: the dimension of h, its parameters, and the
    multiply-adds of one view's forward pass in convolutions and matrix products."""

    dim: int
    parameters: int
    macs: int


@dataclass(frozen=True)
class Cost:
    """`dim` is the dimension of h, `z_dim` that of z. `macs`: multiply-adds of one view's forward pass; a trained
    image costs six times that (two views, and a backward pass of twice the forward)."""

    dim: int
    z_dim: int
    parameters: int
    macs: int
    checkpoint_bytes: int


def stage_widths(width: float) -> tuple[int, int, int, int]:
    """Channels of the four stages at a width multiplier, each the nearest multiple of 8, at least 8."""
    first, second, third, fourth = (max(8, 8 * round(base * width / 8)) for base in (64, 128, 256, 512))
    return first, second, third, fourth


def head_widths(kind: str, dim: int, hidden: int, out: int) -> tuple[int, ...]:
    """Widths from h to z: one linear layer between each two. `hidden` 0 stands for `dim`."""
    hidden = hidden or dim
    return {"none": (dim,), "linear": (dim, out), "mlp": (dim, hidden, out), "mlp3": (dim, hidden, hidden, out)}[kind]


def cost(recipe: Recipe, facts: EncoderFacts | None = None, channels: int = 3) -> Cost:
    """Count a recipe's encoder, for images of so many channels, and its head layer by layer.

    Batch-norm statistics are in the checkpoint and not counted.
    `facts` are needed where the encoder is not native, and are then taken as they are.
    """
    counter = _Counter()
    if facts is None:
        dim = _native(recipe, counter, channels)
    else:
        dim, counter.parameters, counter.macs = facts.dim, facts.parameters, facts.macs
    widths = head_widths(recipe.head, dim, recipe.head_hidden, recipe.head_dim)
    counter.head(widths, recipe.head_bn)
    saved = counter.parameters * (1 + _SLOTS[recipe.optimizer])
    return Cost(dim, widths[-1], counter.parameters, counter.macs, checkpoint_bytes=4 * saved)


def _native(recipe: Recipe, counter: _Counter, channels: int) -> int:
    """Count a ResNet. Returns the dimension of h."""
    widths = stage_widths(recipe.width)
    side = recipe.image_size if recipe.cifar_stem else -(-recipe.image_size // 2)
    counter.conv(channels, widths[0], 3 if recipe.cifar_stem else 7, side)
    side = side if recipe.cifar_stem else -(-side // 2)
    expansion = 1 if recipe.encoder in BASIC else 4
    inputs = widths[0]
    for stage, blocks in enumerate(DEPTHS[recipe.encoder]):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            side_in, side = side, -(-side // stride)
            counter.block(inputs, widths[stage], expansion, side_in, side, stride)
            inputs = widths[stage] * expansion
    return inputs


class _Counter:
    def __init__(self) -> None:
        self.parameters = 0
        self.macs = 0

    def conv(self, inputs: int, outputs: int, kernel: int, side: int) -> None:
        """A convolution and the batch norm behind it."""
        weights = inputs * outputs * kernel * kernel
        self.parameters += weights + 2 * outputs
        self.macs += weights * side * side

    def block(self, inputs: int, width: int, expansion: int, side_in: int, side: int, stride: int) -> None:
        if expansion == 1:
            self.conv(inputs, width, 3, side)
            self.conv(width, width, 3, side)
        else:
            self.conv(inputs, width, 1, side_in)
            self.conv(width, width, 3, side)
            self.conv(width, width * expansion, 1, side)
        if stride != 1 or inputs != width * expansion:
            self.conv(inputs, width * expansion, 1, side)

    def head(self, widths: tuple[int, ...], batch_norm: bool) -> None:
        """Batch norm scales each layer's output, and shifts all but the last's; without it each has a bias."""
        for inputs, outputs in itertools.pairwise(widths):
            self.parameters += inputs * outputs + (2 * outputs if batch_norm else outputs)
            self.macs += inputs * outputs
        if batch_norm and len(widths) > 1:
            self.parameters -= widths[-1]
