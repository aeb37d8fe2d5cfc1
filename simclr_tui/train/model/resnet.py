"""The native encoder f(·), h = f(view) (§2.1): a ResNet without its classifier, h its average pool.

Parameters carry torchvision's names, so at width 1 with the ImageNet stem the weights load into torchvision's ResNet
unchanged. Strides are placed as there ("v1.5": on the 3×3 convolution of a bottleneck).
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from simclr_tui.recipe.cost import BASIC, DEPTHS, stage_widths
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.norms import Norms


class WithNorms(nn.Module):
    """Be a part of the network whose norms `norms` computes, with what follows them."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = Norms()


class BasicBlock(WithNorms):
    """Apply two 3×3 convolutions and a shortcut (ResNet-18 and -34)."""

    expansion: ClassVar[int] = 1

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = _shortcut(inputs, planes, stride)

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        return self.bn2

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.norms.norm_relu(self.bn1, self.conv1(x)))
        return self.norms.norm_relu(self.bn2, y, _shortcut_of(self, x))


class Bottleneck(WithNorms):
    """Apply 1×1, 3×3 and 1×1 convolutions and a shortcut (ResNet-50 and deeper)."""

    expansion: ClassVar[int] = 4

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        outputs = planes * self.expansion
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = _shortcut(inputs, outputs, stride)

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        return self.bn3

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.norms.norm_relu(self.bn1, self.conv1(x)))
        y = self.conv3(self.norms.norm_relu(self.bn2, y))
        return self.norms.norm_relu(self.bn3, y, _shortcut_of(self, x))


Block = type[BasicBlock] | type[Bottleneck]


class ResNet(WithNorms, Encoder):
    """Encode views by the native ResNet, of any width."""

    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential
    layer4: nn.Sequential

    def __init__(
        self, block: Block, depths: tuple[int, int, int, int], *, width: float, cifar_stem: bool, channels: int
    ) -> None:
        super().__init__()
        self.channels = channels
        self.stem = "cifar" if cifar_stem else "imagenet"
        planes = stage_widths(width)
        stem = (3, 1, 1) if cifar_stem else (7, 2, 3)
        self.conv1 = nn.Conv2d(channels, planes[0], *stem, bias=False)
        self.bn1 = nn.BatchNorm2d(planes[0])
        self.maxpool = nn.Identity() if cifar_stem else nn.MaxPool2d(3, stride=2, padding=1)
        inputs = planes[0]
        for stage, (width_here, depth) in enumerate(zip(planes, depths, strict=True)):
            setattr(
                self, f"layer{stage + 1}", _stage(block, inputs, width_here, depth=depth, stride=1 if stage == 0 else 2)
            )
            inputs = width_here * block.expansion
        self.dim = inputs

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.norms.norm_relu(self.bn1, self.conv1(x)))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return x.mean(dim=(2, 3))


def build_resnet(recipe: Recipe, channels: int) -> ResNet:
    """Return the recipe's ResNet, freshly initialised from torch's global generator (He et al. 2015, fan-out)."""
    block: Block = BasicBlock if recipe.encoder in BASIC else Bottleneck
    encoder = ResNet(block, DEPTHS[recipe.encoder], width=recipe.width, cifar_stem=recipe.cifar_stem, channels=channels)
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if recipe.zero_init and isinstance(module, BasicBlock | Bottleneck):
            nn.init.zeros_(module.last_norm.weight)
    return encoder


def _stage(block: Block, inputs: int, planes: int, *, depth: int, stride: int) -> nn.Sequential:
    outputs = planes * block.expansion
    return nn.Sequential(block(inputs, planes, stride), *(block(outputs, planes, 1) for _ in range(depth - 1)))


def _shortcut_of(block: BasicBlock | Bottleneck, x: Tensor) -> Tensor:
    if block.downsample is None:
        return x
    convolution, norm = block.downsample
    return block.norms.norm(norm, convolution(x))


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
