"""Hold an opened data set: square images of one size, with labels where there are any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from simclr_tui.train.data.pixels import Labels, Pixels

if TYPE_CHECKING:
    from simclr_tui.train.data.lazy_images import DamagedImages, FileImages

Images: TypeAlias = "Pixels | FileImages"
"""(N, 3, S, S), in memory, mapped from disk, or decoded when asked for."""

_SUBSET_SEED = 20020_5709  # the paper's arXiv number; no relation to a run's seed
_HELD_OUT_SEED = _SUBSET_SEED + 1


@dataclass(frozen=True)
class ImageSet:
    """Hold one split.

    images: uint8, (N, 3, S, S), RGB; may be a copy-on-write memory map, or files that are decoded when asked for.
    labels: int64, (N,), class indices, -1 for an unlabelled image; None where no image has a label.
    """

    images: Images
    labels: Labels | None

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Data:
    """Hold what a run trains on, and what kNN is measured on (`test`, None where nothing is labelled).

    Both splits have the same S. `damaged` names the images that were found unreadable and substituted; where images
    are decoded when asked for, others may follow (`damages`).
    """

    train: ImageSet
    test: ImageSet | None
    classes: tuple[str, ...]
    damaged: tuple[str, ...] = ()
    damages: DamagedImages | None = None


def taken(images: Images, index: npt.NDArray[np.int64]) -> Images:
    """Select images without decoding any."""
    return images[index] if isinstance(images, np.ndarray) else images.take(index)


def draw(labels: Labels, count: int) -> npt.NDArray[np.int64]:
    """Sorted indices of `count` images drawn in turn from every class, the same at every call (0 or too many: all).

    Unlabelled images (-1) are one class more. A larger draw contains every smaller one.
    """
    if not 0 < count < len(labels):
        return np.arange(len(labels))
    rank = ranks_within_class(labels, _SUBSET_SEED)
    return np.sort(np.lexsort((labels, rank))[:count])


def hold_out(labels: Labels, held: dict[int, int]) -> npt.NDArray[np.bool_]:
    """Mask of the images held out for testing: `held[label]` of each class, the same at every call."""
    quota = np.zeros(len(labels), np.int64)
    for label, count in held.items():
        quota[labels == label] = count
    return ranks_within_class(labels, _HELD_OUT_SEED) < quota


def ranks_within_class(labels: Labels, seed: int) -> npt.NDArray[np.int64]:
    """Return each image's rank in a shuffle of its own class, from 0."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    ordered = labels[by_class]
    first_of_class = np.searchsorted(ordered, ordered, side="left")
    ranks = np.empty(len(labels), np.int64)
    ranks[by_class] = np.arange(len(labels)) - first_of_class
    return ranks
