"""The kNN monitor: is h learning anything? Measured on the test images, bank from the training images."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data.images import Data, ImageSet
from simclr_tui.train.device import Compute
from simclr_tui.train.encoder import Encoder
from simclr_tui.train.knn import extract_features, knn_accuracy
from simclr_tui.train.report import Reporter
from simclr_tui.train.stopping import StopFlag

_CHUNK = 2048  # images between two looks at the stop flag


class KnnMonitor:
    """Weighted kNN on h (Wu et al. 2018; k from the recipe). Off for unlabelled data and `--knn-every 0`."""

    def __init__(self, recipe: Recipe, data: Data, compute: Compute, report: Reporter, stop: StopFlag) -> None:
        self._recipe, self._compute, self._report, self._stop = recipe, compute, report, stop
        self._bank, self._queries = _labelled(data.train), _labelled(data.test)
        self._classes = len(data.classes)

    @property
    def enabled(self) -> bool:
        return self._recipe.knn_every > 0 and self._bank is not None and self._queries is not None

    def due(self, step: int, steps_per_epoch: int, steps: int) -> bool:
        """Before the first step, every `knn_every` epochs, and after the last step."""
        every = self._recipe.knn_every * steps_per_epoch
        return self.enabled and (step % every == 0 or step == steps)

    def measure(self, encoder: Encoder) -> float:
        """Share of test images whose neighbours vote for their class, 0–1. Raises Stopped on a stop request."""
        assert self._bank is not None
        assert self._queries is not None
        bank, bank_labels = self._features(encoder, *self._bank)
        queries, labels = self._features(encoder, *self._queries)
        return knn_accuracy(bank, bank_labels, queries, labels, self._classes, k=self._recipe.knn_k)

    def _features(
        self, encoder: Encoder, images: NDArray[np.uint8], labels: NDArray[np.int64]
    ) -> tuple[Tensor, Tensor]:
        features: list[Tensor] = []
        for start in range(0, len(images), _CHUNK):
            self._stop.check()
            self._report.doing("measuring kNN")
            part = images[start : start + _CHUNK]
            compute = self._compute
            features.append(extract_features(encoder, part, self._recipe.image_size, compute.device, compute.autocast))
        return torch.cat(features), torch.from_numpy(labels).to(self._compute.device)


def _labelled(images: ImageSet | None) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
    """The images that have a class, and their classes; None when there is none."""
    if images is None or images.labels is None:
        return None
    known = np.flatnonzero(images.labels >= 0)
    if not len(known):
        return None
    if len(known) == len(images.labels):
        return images.images, images.labels
    return images.images[known], images.labels[known]
