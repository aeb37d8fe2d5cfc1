"""Train SimCLR with lightly as its CIFAR-10 example does, and print its speed as the last line, in JSON.

    python benchmarks/peers/lightly_simclr.py FOLDER [--steps 8 | --seconds 3600 --every 600 --save DIR] [--bf16]

FOLDER holds a folder of images a class. An image is two views; loading and augmentation count, the first `--warmup`
steps do not. With `--seconds` it trains that long, and every `--every` seconds saves the encoder, under torchvision's
names, as DIR/SECONDS.pt; the time that saving takes is not counted. Needs `pip install lightly torchvision`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import torch
import torchvision
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from lightly.transforms import SimCLRTransform
from torch import Tensor, nn
from torch.utils.data import DataLoader

SIZE = 32


def batches(folder: str, batch: int, workers: int, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield both views of batch after batch, epoch after epoch."""
    # lightly's setting for CIFAR-10: no blur, colour strength 0.5.
    transform = SimCLRTransform(input_size=SIZE, cj_strength=0.5, gaussian_blur=0.0)
    images = torchvision.datasets.ImageFolder(folder, transform=transform)
    loader = DataLoader(
        images,
        batch,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=device.type == "cuda",
    )
    if not len(loader):
        raise SystemExit(f"a batch of {batch} does not fit into the {len(images)} images of {folder}")
    for _ in itertools.count():
        for views, _target in loader:
            yield views[0].to(device, non_blocking=True), views[1].to(device, non_blocking=True)


def build(width: int) -> tuple[nn.Module, nn.Module]:
    """Return a ResNet-18 with the CIFAR stem, and lightly's projection head."""
    backbone = torchvision.models.resnet18()
    backbone.fc = nn.Identity()
    backbone.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    backbone.maxpool = nn.Identity()
    return backbone, SimCLRProjectionHead(width, width, 128)


class Clock:
    """Training time in seconds since `start`, without what is `paused`; the device is waited for."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._began, self._paused = device, 0.0, 0.0

    def start(self) -> None:
        self._wait()
        self._began, self._paused = time.perf_counter(), 0.0

    def seconds(self) -> float:
        self._wait()
        return time.perf_counter() - self._began - self._paused

    def skip(self, since: float) -> None:
        """Leave out the time from `since`, of `seconds`, until now."""
        self._paused += self.seconds() - since

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()


def train(args: argparse.Namespace) -> dict[str, object]:
    device = torch.device(args.device)
    torch.manual_seed(args.seed)
    backbone, head = build(512)
    model = nn.Sequential(backbone, head).to(device)
    criterion = NTXentLoss(temperature=0.5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.06, momentum=0.9, weight_decay=5e-4)
    clock, seen, next_save = Clock(device), 0, args.every
    if args.save:
        Path(args.save).mkdir(parents=True, exist_ok=True)
    for step, (first, second) in enumerate(batches(args.folder, args.batch, args.workers, device)):
        if step == args.warmup:
            clock.start()
            seen = 0
        with torch.autocast(device.type, torch.bfloat16, enabled=args.bf16):
            loss = criterion(model(first), model(second))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen += len(first)
        if step < args.warmup:
            continue
        elapsed = clock.seconds() if args.seconds else 0.0
        if args.save and (elapsed >= next_save or elapsed >= args.seconds):
            torch.save(backbone.state_dict(), Path(args.save) / f"{elapsed:.0f}.pt")
            clock.skip(elapsed)
            next_save += args.every
        if elapsed >= args.seconds if args.seconds else step + 1 == args.warmup + args.steps:
            break
    return {"peer": "lightly", "images_per_s": round(seen / clock.seconds(), 2), "loss": round(float(loss), 4)}


def main() -> None:
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--every", type=float, default=600.0)
    parser.add_argument("--save", default="")
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16; float32 is lightly's default")
    args = parser.parse_args()
    facts = {
        "version": version("lightly"),
        "batch": args.batch,
        "device": args.device,
        "precision": "bf16" if args.bf16 else "fp32",
    }
    print(json.dumps(train(args) | facts))


if __name__ == "__main__":
    main()
