"""What every protocol is given: an encoder, labelled images, and how to talk about progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from simclr_tui.errors import DataError, DivergedError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data.folder import Progress
from simclr_tui.train.data.images import Data, Images, ImageSet, taken
from simclr_tui.train.data.pixels import Labels
from simclr_tui.train.device import Compute
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.observe.knn import extract_features

_CHUNK = 2048  # images between two words about progress


@dataclass(frozen=True)
class Labelled:
    """images (N, 3, S, S), uint8, and their classes (N,), all of them known."""

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Settings:
    """What a person may set; `epochs` None stands for each protocol's own number."""

    k: int = 200
    temperature: float = 0.1
    epochs: int | None = None


@dataclass(frozen=True)
class Features:
    """h of the images without augmentation, (N, dim) float32, and their classes (N,), on the device."""

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor


@dataclass(frozen=True)
class Outcome:
    """What a protocol found with one seed: scores (N, C) of the test images; what was set, what the sweep chose,
    and the accuracy on held-out training images by which it chose (None without a sweep)."""

    scores: Tensor
    hyperparameters: dict[str, int | float | str | list[float]]
    chosen: dict[str, float] = field(default_factory=dict)
    validation: float | None = None


@dataclass
class Task:
    """One encoder and one data set. `features` is computed at its first use and then kept."""

    recipe: Recipe
    encoder: Encoder
    compute: Compute
    train: Labelled
    test: Labelled
    classes: tuple[str, ...]
    progress: Progress
    settings: Settings = field(default_factory=Settings)

    @cached_property
    def features(self) -> Features:
        """Raises DivergedError where h is not finite."""
        return Features(
            self._extract("features of training images", self.train.images),
            self.labels(self.train),
            self._extract("features of test images", self.test.images),
            self.labels(self.test),
        )

    def labels(self, images: Labelled) -> Tensor:
        return torch.from_numpy(images.labels).to(self.compute.device)

    def _extract(self, what: str, images: Images) -> Tensor:
        compute, parts = self.compute, []
        for start in range(0, len(images), _CHUNK):
            part = images[start : start + _CHUNK]
            parts.append(extract_features(self.encoder, part, self.recipe.image_size, compute.device, compute.autocast))
            self.progress(what, start + len(part), len(images))
        h = torch.cat(parts)
        if not bool(torch.isfinite(h).all()):
            raise DivergedError("the encoder's h is not finite", "evaluate an earlier checkpoint: --step N")
        return h


def labelled(data: Data, name: str) -> tuple[Labelled, Labelled]:
    """The training and the test images that have a class. Raises DataError where there are none, or but one class."""
    train, test = _known(data.train), _known(data.test)
    if train is None or test is None or len(data.classes) < 2:
        what = "one class only" if train is not None and test is not None else "no labels"
        raise DataError(
            f"{name} has {what}, and an evaluation needs classes", "give labelled images: --data cifar10, for example"
        )
    return train, test


def _known(images: ImageSet | None) -> Labelled | None:
    if images is None or images.labels is None:
        return None
    known = np.flatnonzero(images.labels >= 0)
    if len(known) == len(images.labels):
        return Labelled(images.images, images.labels) if len(known) else None
    return Labelled(taken(images.images, known), images.labels[known]) if len(known) else None
