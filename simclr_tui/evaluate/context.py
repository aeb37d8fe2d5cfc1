"""The context of an evaluation: the encoder, the labelled images, the settings and the progress callback."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from simclr_tui.errors import DataError, DivergedError
from simclr_tui.evaluate.head_start import HeadStart
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data.each import Progress
from simclr_tui.train.data.images import Data, Images, ImageSet, taken
from simclr_tui.train.data.pixels import Labels
from simclr_tui.train.device import Compute
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.head import ProjectionHead
from simclr_tui.train.observe.knn import TEMPERATURE, extract_features

_CHUNK = 2048  # images per progress report


@dataclass(frozen=True)
class LabelledImages:
    """Hold one split: images (N, C, S, S) and their class indices (N,), none of them unknown; their groups, if any."""

    images: Images
    labels: Labels
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Settings:
    """Hold the user's settings. `epochs` None means each protocol's own number.

    `head_layers` is how many layers of the projection head are fine-tuned with the encoder.
    """

    k: int = 200
    temperature: float = TEMPERATURE
    epochs: int | None = None
    head_layers: int = 0


@dataclass(frozen=True)
class Features:
    """Hold h of both splits without augmentation, (N, dim) float32, and their class indices (N,), on the device."""

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor


@dataclass(frozen=True)
class Outcome:
    """Hold the outcome of a protocol with one seed.

    scores: (N, C), class scores of the test images, the highest the prediction. `chosen` is what the protocol's search
    selected, `validation` the accuracy on held-out training images that it selected by (None without a search).
    """

    scores: Tensor
    hyperparameters: dict[str, int | float | str | list[float]]
    chosen: dict[str, float] = field(default_factory=dict)
    validation: float | None = None


@dataclass
class Context:
    """Join one encoder with one labelled data set. `features` is computed on first use and then kept.

    `range_change` says where the values of these images become other shades than those that the encoder learnt from.
    """

    recipe: Recipe
    encoder: Encoder
    compute: Compute
    train: LabelledImages
    test: LabelledImages
    classes: tuple[str, ...]
    progress: Progress
    settings: Settings = field(default_factory=Settings)
    range_change: str = ""
    head: ProjectionHead | None = None
    test_digest: str = ""

    @property
    def fine_tuned(self) -> Encoder | HeadStart:
        """Return what fine-tuning begins with: the encoder, or the encoder with the first layers of its head."""
        layers = self.settings.head_layers
        if not layers:
            return self.encoder
        assert self.head is not None
        return HeadStart(self.encoder, self.head, layers)

    @cached_property
    def features(self) -> Features:
        """Compute h of both splits once. Raises DivergedError where h is not finite."""
        return Features(
            self._extract("features of training images", self.train.images),
            self.labels(self.train),
            self._extract("features of test images", self.test.images),
            self.labels(self.test),
        )

    def labels(self, images: LabelledImages) -> Tensor:
        """Return the class indices (N,) on the device."""
        return torch.from_numpy(images.labels).to(self.compute.device)

    def _extract(self, what: str, images: Images) -> Tensor:
        compute, parts = self.compute, []
        for start in range(0, len(images), _CHUNK):
            part = images[start : start + _CHUNK]
            parts.append(
                extract_features(self.encoder, part, self.recipe, device=compute.device, autocast=compute.autocast)
            )
            self.progress(what, start + len(part), len(images))
        h = torch.cat(parts)
        if not bool(torch.isfinite(h).all()):
            raise DivergedError("the encoder's h is not finite", "evaluate an earlier checkpoint: --step N")
        return h


def labelled_splits(data: Data, name: str) -> tuple[LabelledImages, LabelledImages]:
    """Return the labelled training and test images. Raises DataError where there are none, or only one class."""
    train, test = _known(data.train), _known(data.test)
    if train is None or test is None or len(data.classes) < 2:
        what = "only one class" if train is not None and test is not None else "no labels"
        raise DataError(
            f"{name} has {what}; evaluation needs labelled classes", "evaluate on labelled images, e.g. --data cifar10"
        )
    return train, test


def _known(images: ImageSet | None) -> LabelledImages | None:
    if images is None or images.labels is None:
        return None
    known = np.flatnonzero(images.labels >= 0)
    if len(known) == len(images.labels):
        return LabelledImages(images.images, images.labels, images.groups) if len(known) else None
    if not len(known):
        return None
    groups = tuple(images.groups[place] for place in known) if images.groups else ()
    return LabelledImages(taken(images.images, known), images.labels[known], groups)
