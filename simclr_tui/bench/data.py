"""Measure how fast image files become views, alternating with torchvision's own pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader

from simclr_tui.bench.inspect import MOST, inspect_figures
from simclr_tui.limits import usable_cores
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.bench_report import Figure
from simclr_tui.train.data.batches import Source
from simclr_tui.train.data.decode_pool import Decoders
from simclr_tui.train.data.epoch_order import Order
from simclr_tui.train.data.lazy_images import DamagedImages, FileImages
from simclr_tui.train.data.prefetch import Feed
from simclr_tui.train.data.scaling import Scaling
from simclr_tui.train.data.shapes import draw_shapes
from simclr_tui.train.data.sources.files import FolderSource
from simclr_tui.train.device import Compute, choose_compute
from simclr_tui.train.distributed import SINGLE_PROCESS
from simclr_tui.train.model.torchvision_import import import_torchvision
from simclr_tui.train.views.apply import two_views
from simclr_tui.train.views.params import draw_views

torchvision: Any = import_torchvision()

SIDE = 224
_BATCH = 64
_GRAIN = 24.0  # deviation of the noise that makes a generated image as hard to decode as a photograph
_BLUR = 2 * (SIDE // 20) + 1  # taps, as in our own blur: a tenth of the side
_PAPER = Recipe(image_size=SIDE, batch_size=_BATCH, color_strength=1.0, blur=0.5, stem="imagenet")
RECIPES = {"crop and flip": msgspec.structs.replace(_PAPER, augment="crop,flip"), "all of §A": _PAPER}
"""Augmentations to measure: the minimum of any pipeline, and the paper's for ImageNet."""

Pass = Callable[[], int]


def data_figures(directory: Path, count: int, repeat: int) -> list[Figure]:
    """Return images/s (two views each, on the device) over `count` files written to the folder `directory`."""
    count = max(_BATCH, count // _BATCH * _BATCH)
    mean_bytes = _write_files(directory / "generated", count)
    # As a run does, whose survey of the folder has found nothing but what Pillow reads to its true values.
    decoders, compute = Decoders(FolderSource(directory), Scaling(SIDE, direct=True)), choose_compute(_PAPER)
    names = tuple(f"generated/{file.name}" for file in sorted((directory / "generated").iterdir()))
    images = FileImages.of(names, decoders, DamagedImages(len(names)))
    ways: dict[str, Pass] = {"decoding alone": lambda: len(images[:])}
    for name, recipe in RECIPES.items():
        ways[f"{name}: streamed"] = _streamed(recipe, images, compute)
        ways[f"{name}: torchvision"] = _torchvision(recipe, directory, compute)
    speeds = _in_turns(ways, repeat)
    decoders.close()
    figures = [Figure(name, "images/s", values) for name, values in speeds.items()]
    for name in RECIPES:
        pairs = zip(speeds[f"{name}: streamed"], speeds[f"{name}: torchvision"], strict=True)
        figures.append(Figure(f"{name}: times torchvision", "×", [mine / other for mine, other in pairs]))
    files = sorted((directory / "generated").iterdir())
    looked = inspect_figures(directory, files, MOST if count >= 512 else 10 * count, repeat=repeat)
    return [*figures, Figure(f"a file of {SIDE} px", "kB", [mean_bytes / 1000]), *looked]


def _write_files(folder: Path, count: int) -> float:
    """Write JPEGs of generated images under film grain; return their mean size in bytes."""
    folder.mkdir(parents=True)
    grain = np.random.default_rng(0)
    for number in range(count):
        pixels = draw_shapes(0, np.array([number]), SIDE)[0].transpose(1, 2, 0)
        grainy = pixels + grain.normal(0.0, _GRAIN, (SIDE, SIDE, 1))
        Image.fromarray(grainy.clip(0, 255).astype(np.uint8)).save(folder / f"{number:06}.jpg", quality=75)
    return sum(file.stat().st_size for file in folder.iterdir()) / count


def _in_turns(ways: dict[str, Pass], repeat: int) -> dict[str, list[float]]:
    """Return images/s of each way in turns; the first turn, when processes start, is not counted."""
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeat + 1):
        for name, once in ways.items():
            began = time.perf_counter()
            images = once()
            if turn:
                speeds[name].append(images / (time.perf_counter() - began))
    return speeds


def _streamed(recipe: Recipe, images: FileImages, compute: Compute) -> Pass:
    """Make the views of one epoch as the trainer does."""
    source, order = Source(images, compute.device), Order(recipe, len(images), SINGLE_PROCESS)
    steps = recipe.steps_per_epoch(len(images))

    def once() -> int:
        with _synchronised(compute), Feed(source, compute.device, order, first=0, last=steps) as feed:
            for _ in range(steps):
                ids, batch = feed.take()
                two_views(batch, draw_views(recipe, 0, ids, source.side), SIDE, torch.channels_last)
        return steps * recipe.batch_size

    return once


def _torchvision(recipe: Recipe, root: Path, compute: Compute) -> Pass:
    """Make the views of one epoch with ImageFolder, one worker per core, as most SimCLR code does."""
    views = _views(recipe)
    dataset = torchvision.datasets.ImageFolder(str(root), lambda image: (views(image), views(image)))
    pinned = compute.device.type == "cuda"
    loader: DataLoader[Any] = DataLoader(
        dataset, recipe.batch_size, shuffle=True, num_workers=usable_cores(), drop_last=True,
        persistent_workers=True, pin_memory=pinned,
    )  # fmt: skip

    def once() -> int:
        with _synchronised(compute):
            for pair, _labels in loader:
                torch.cat(pair).to(compute.device, non_blocking=pinned)
        return len(loader) * recipe.batch_size

    return once


def _views(recipe: Recipe) -> Any:
    t = torchvision.transforms
    steps = [
        t.RandomResizedCrop(SIDE, (recipe.crop_min, 1.0), interpolation=t.InterpolationMode.BICUBIC),
        t.RandomHorizontalFlip(recipe.flip),
    ]
    if "color" in recipe.operations:
        s = recipe.color_strength
        jitter = t.ColorJitter(s * recipe.brightness, s * recipe.contrast, s * recipe.saturation, s * recipe.hue)
        steps += [
            t.RandomApply([jitter], recipe.color_prob),
            t.RandomGrayscale(recipe.gray),
            t.RandomApply([t.GaussianBlur(_BLUR, (0.1, 2.0))], recipe.blur),
        ]
    return t.Compose([*steps, t.ToTensor()])


@contextmanager
def _synchronised(compute: Compute) -> Iterator[None]:
    """Wait, at the end of the block, for all work on the device."""
    yield
    if compute.device.type == "cuda":
        torch.cuda.synchronize(compute.device)
