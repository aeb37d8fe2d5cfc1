"""Load the encoder beside this file: `from load import load_encoder`. Needs torch alone.

`load_encoder()` returns f in eval mode: images (N, C, H, W), float32 in [0, 1], become h (N, dim). What it is stands in
config.json. Written by simclr-tui; this file and its folder may be used and passed on by themselves.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

HERE = Path(__file__).resolve().parent


def load_encoder(folder: str | Path = HERE) -> nn.Module:
    """Return the encoder of an exported folder, in eval mode on the CPU."""
    config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    encoder = ResNet(config)
    encoder.load_state_dict(torch.load(Path(folder) / "encoder.pt", map_location="cpu", weights_only=True))
    encoder.normalize_by(config["mean"], config["std"])
    return encoder.eval()


class ResNet(nn.Module):
    """A ResNet of any width, with the stem for small or for large images."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        planes, small = config["planes"], config["stem"] == "cifar"
        self.conv1 = nn.Conv2d(config["channels"], planes[0], *((3, 1, 1) if small else (7, 2, 3)), bias=False)
        self.bn1 = nn.BatchNorm2d(planes[0])
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, stride=2, padding=1)
        self.relu = nn.ReLU()
        self.statistics: tuple[torch.Tensor, torch.Tensor] | None = None
        inputs = planes[0]
        for stage, (width, depth) in enumerate(zip(planes, config["depths"], strict=True)):
            blocks = []
            for index in range(depth):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(Block(inputs, width, stride, bottleneck=config["bottleneck"]))
                inputs = width * (4 if config["bottleneck"] else 1)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))

    def normalize_by(self, mean: list[float] | None, std: list[float] | None) -> None:
        """Normalise images by the mean and deviation of each channel before anything else."""
        if mean is not None and std is not None:
            self.statistics = (torch.tensor(mean).view(1, -1, 1, 1), torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.statistics is not None:
            mean, std = self.statistics
            x = (x - mean.to(x)) / std.to(x)
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in ("layer1", "layer2", "layer3", "layer4"):
            x = self.get_submodule(stage)(x)
        return x.mean(dim=(2, 3))


class Block(nn.Module):
    """Two 3×3 convolutions, or 1×1, 3×3 and 1×1 as a bottleneck, and a shortcut."""

    def __init__(self, inputs: int, planes: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        outputs = planes * (4 if bottleneck else 1)
        self.relu = nn.ReLU()
        if bottleneck:
            self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
            self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=1, bias=False)
            self.conv3 = nn.Conv2d(planes, outputs, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(outputs)
        else:
            self.conv1 = nn.Conv2d(inputs, planes, 3, stride, padding=1, bias=False)
            self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(planes), nn.BatchNorm2d(planes)
        self.bottleneck = bottleneck
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        if self.bottleneck:
            y = self.bn3(self.conv3(self.relu(y)))
        h: torch.Tensor = self.relu(y + (x if self.downsample is None else self.downsample(x)))
        return h
