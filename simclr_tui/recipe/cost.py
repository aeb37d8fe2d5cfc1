"""What a recipe will cost, told before it starts and without torch: parameters, multiply-adds, checkpoint size."""

from __future__ import annotations

from dataclasses import dataclass

from simclr_tui.recipe.recipe import Recipe

_BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3)}
_SLOTS = {"sgd": 1, "lars": 1, "adam": 2, "adamw": 2}  # optimiser tensors a parameter


@dataclass(frozen=True)
class Cost:
    """`macs`: multiply-adds of one view's forward pass; a trained image costs six times that (two views, and a
    backward pass of twice the forward)."""

    dim: int
    parameters: int
    macs: int
    checkpoint_bytes: int


def stage_widths(width: float) -> tuple[int, int, int, int]:
    """Channels of the four stages at a width multiplier, each the nearest multiple of 8, at least 8."""
    first, second, third, fourth = (max(8, 8 * round(base * width / 8)) for base in (64, 128, 256, 512))
    return first, second, third, fourth


def cost(recipe: Recipe) -> Cost:
    """Count a recipe's encoder and head layer by layer (batch-norm statistics are in the checkpoint, not counted)."""
    counter = _Counter()
    widths = stage_widths(recipe.width)
    side = recipe.image_size if recipe.cifar_stem else -(-recipe.image_size // 2)
    counter.conv(3, widths[0], 3 if recipe.cifar_stem else 7, side)
    side = side if recipe.cifar_stem else -(-side // 2)
    expansion = 4 if recipe.encoder == "resnet50" else 1
    channels = widths[0]
    for stage, blocks in enumerate(_BLOCKS[recipe.encoder]):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            side_in, side = side, -(-side // stride)
            counter.block(channels, widths[stage], expansion, side_in, side, stride)
            channels = widths[stage] * expansion
    dim = channels
    counter.head(dim, recipe.head_hidden or dim, recipe.head_dim, recipe.head_bn)
    saved = counter.parameters * (1 + _SLOTS[recipe.optimizer])
    return Cost(dim=dim, parameters=counter.parameters, macs=counter.macs, checkpoint_bytes=4 * saved)


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

    def head(self, dim: int, hidden: int, out: int, batch_norm: bool) -> None:
        weights = dim * hidden + hidden * out
        # With batch norm: scale and shift, then a scale alone; without: the two biases.
        self.parameters += weights + (2 * hidden + out if batch_norm else hidden + out)
        self.macs += weights
