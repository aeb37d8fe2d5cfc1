"""The images of a data set and their h: what `embed` writes, `neighbors` searches and `pca` projects."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from simclr_tui.errors import CheckpointError, DataError, OutOfMemoryError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.text import safe
from simclr_tui.train.data.each import Progress
from simclr_tui.train.data.images import Data, Images, taken
from simclr_tui.train.data.open import open_data
from simclr_tui.train.data.pixels import Pixels
from simclr_tui.train.data.scaling import Scaling
from simclr_tui.train.device import choose_compute
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.observe.knn import extract_features
from simclr_tui.train.out_of_memory import is_out_of_memory

SPLITS = ("train", "test")
_CHUNK = 512  # images per progress report


@dataclass(frozen=True)
class ImageBank:
    """Hold images of one or both splits; every tuple and array has one entry per image.

    `index` counts within the split. Labels are -1, and class names and paths empty, where unknown. `scaling` is how
    files became pixels (None: 8-bit RGB).
    """

    images: list[Images]
    splits: tuple[str, ...]
    index: NDArray[np.int64]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    paths: tuple[str, ...]
    scaling: Scaling | None = None

    def __len__(self) -> int:
        return len(self.index)

    @property
    def side(self) -> int:
        return int(self.images[0].shape[-1])

    @property
    def channels(self) -> int:
        return int(self.images[0].shape[-3])

    def image(self, row: int) -> Pixels:
        """Return one image, (C, S, S)."""
        for part in self.images:
            if row < len(part):
                pixels: Pixels = part[row]
                return pixels
            row -= len(part)
        raise IndexError(row)

    def take(self, rows: NDArray[np.int64]) -> ImageBank:
        """Return a bank of these rows only, in ascending order."""
        parts, first = [], 0
        for part in self.images:
            within = rows[(rows >= first) & (rows < first + len(part))] - first
            first += len(part)
            parts.append(taken(part, within))
        return ImageBank(
            images=[part for part in parts if len(part)],
            splits=tuple(self.splits[row] for row in rows),
            index=self.index[rows],
            labels=self.labels[rows],
            classes=tuple(self.classes[row] for row in rows),
            paths=tuple(self.paths[row] for row in rows),
            scaling=self.scaling,
        )


def open_image_bank(recipe: Recipe, data: str | None, split: str | None, *, progress: Progress) -> ImageBank:
    """Open the images of `data` as a run of this recipe stores them, of both splits unless one is named.

    Without `data`, they are the images that the run itself uses. Damaged images, which training replaces, are left out.
    Raises DataError.
    """
    name, subset = (recipe.data, recipe.subset) if data is None else (data, 0)
    opened = open_data(name, image_size=recipe.image_size, subset=subset, progress=progress, reading=recipe.reading)
    parts = [_part(opened, s) for s in ([split] if split else SPLITS)]
    found = [part for part in parts if part is not None and len(part)]
    if not found:
        other = "train" if split == "test" else "test"
        raise DataError(f"{safe(name)} has no {split} images", f"give --split {other}")
    return ImageBank(
        images=[part.images[0] for part in found],
        splits=tuple(s for part in found for s in part.splits),
        index=np.concatenate([part.index for part in found]),
        labels=np.concatenate([part.labels for part in found]),
        classes=tuple(c for part in found for c in part.classes),
        paths=tuple(path for part in found for path in part.paths),
        scaling=opened.scaling,
    )


def _part(data: Data, split: str) -> ImageBank | None:
    images = data.train if split == "train" else data.test
    if images is None:
        return None
    damaged = set(data.damaged)
    paths = images.names or ("",) * len(images)
    kept = np.array([path not in damaged for path in paths], np.bool_)
    labels = images.labels if images.labels is not None else np.full(len(images), -1, np.int64)
    index = np.flatnonzero(kept)
    return ImageBank(
        images=[images.images if kept.all() else taken(images.images, index)],
        splits=(split,) * len(index),
        index=index,
        labels=labels[index],
        classes=tuple(data.classes[label] if 0 <= label < len(data.classes) else "" for label in labels[index]),
        paths=tuple(path for path, keep in zip(paths, kept, strict=True) if keep),
    )


def compute_features(
    encoder: Encoder, bank: ImageBank, recipe: Recipe, *, device: str, progress: Progress
) -> NDArray[np.float32]:
    """Return h of every image, (N, dim), without augmentation or autocast. Raises OutOfMemoryError."""
    encoder.check_channels(bank.channels, recipe.data)
    compute = choose_compute(msgspec.structs.replace(recipe, device=device, precision="fp32"))
    encoder = encoder.to(device=compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    h = np.empty((len(bank), encoder.dim), np.float32)
    done = 0
    try:
        for part in bank.images:
            for start in range(0, len(part), _CHUNK):
                images = part[start : start + _CHUNK]
                h[done : done + len(images)] = (
                    extract_features(encoder, images, recipe, device=compute.device).cpu().numpy()
                )
                done += len(images)
                progress("computing h", done, len(bank))
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError("out of GPU memory while computing h", "give --device cpu") from None
    return h


def check_finite(values: NDArray[np.floating], run: str, step: int) -> None:
    """Raise CheckpointError unless all values, computed from h, are finite."""
    if not np.isfinite(values).all():
        raise CheckpointError(f"h of {run} is not finite at step {step}", "its weights have diverged: give another run")
