"""Hold an opened data set: square images of one size, with labels where there are any."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from simclr_tui.train.data.pixels import Labels, Pixels, Shapes, levels_of
from simclr_tui.train.data.scaling import Scaling

if TYPE_CHECKING:
    from simclr_tui.train.data.lazy_images import DamagedImages, FileImages
    from simclr_tui.train.data.seal import BackgroundCheck
    from simclr_tui.train.data.whole_images import WholeImages

Images: TypeAlias = "Pixels | WholeImages | FileImages"
"""(N, C, S, S), in memory, mapped from disk, or decoded when asked for."""

_SUBSET_SEED = 20020_5709  # the paper's arXiv number; no relation to a run's seed
_HELD_OUT_SEED = _SUBSET_SEED + 1


@dataclass(frozen=True)
class ImageSet:
    """Hold one split.

    images: uint8 or uint16, (N, C, S, S); may be a copy-on-write memory map, or files decoded when asked for. Of those
    that are not square, indexing gives the central square, and `whole_images` all of each.
    labels: int64, (N,), class indices, -1 for an unlabelled image; None where no image has a label.
    names: what the source calls each image; empty where images have no names. sizes: of their files, in bytes.
    groups: of each image the patient, slide or video that no split may divide; empty where there are none.
    listed: the labels as the source lists them, those of damaged images included; None where `labels` are these.
    """

    images: Images
    labels: Labels | None
    names: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    listed: Labels | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def channels(self) -> int:
        """Return C."""
        return int(self.images.shape[1])

    @property
    def levels(self) -> int:
        """Return the stored value that means 1.0: 255 or 65535."""
        return levels_of(self.images.dtype)


@dataclass(frozen=True)
class Data:
    """Hold the images that a run trains on, and those that it is tested on (`test`, None where nothing is labelled).

    `validation` are those that choices are made by, where the data has a split of its own for that, which it calls
    `validated_on`. All splits have the same C, S and type.

    `damaged` names the images that were found unreadable and substituted; where images are decoded when asked for,
    others may follow (`damages`). `check` compares a large cache while it is used. `scaling` and `range_reason` say how
    values became pixels (None: 8-bit RGB as it is), `layout` how classes and splits were found, `left_out` what was not
    taken, `notes` and `warnings` what else to tell before training. `held_out` holds the digests of the images that
    accuracies are measured on, where they were asked for.
    """

    train: ImageSet
    test: ImageSet | None
    classes: tuple[str, ...]
    damaged: tuple[str, ...] = ()
    damages: DamagedImages | None = None
    check: BackgroundCheck | None = None
    scaling: Scaling | None = None
    range_reason: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    layout: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    validation: ImageSet | None = None
    validated_on: str = ""
    held_out: dict[str, str] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        """Return C, the channels of an image."""
        return self.train.channels

    @property
    def levels(self) -> int:
        """Return the stored value that means 1.0: 255 or 65535."""
        return self.train.levels

    @property
    def rgb(self) -> bool:
        """Return whether the channels mean red, green and blue."""
        scaling = self.scaling
        return self.channels == 3 and (scaling is None or (scaling.rgb and scaling.channels == (0, 1, 2)))

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Return what the channels are called."""
        if self.rgb:
            return ("red", "green", "blue")
        if self.channels == 1:
            return ("grey",)
        numbers = self.scaling.channels if self.scaling else range(self.channels)
        return tuple(f"channel {number + 1}" for number in numbers)


def whole_images(images: Images, index: Any) -> tuple[Pixels, Shapes | None]:
    """Return images as they are stored, (…, C, S, S), and their shapes (…, 2), None where all of them are square."""
    return (images[index], None) if isinstance(images, np.ndarray) else images.whole(index)


def taken(images: Images, index: npt.NDArray[np.int64]) -> Images:
    """Select images without decoding any."""
    return images[index] if isinstance(images, np.ndarray) else images.take(index)


def draw(labels: Labels, count: int) -> npt.NDArray[np.int64]:
    """Return sorted indices of `count` images drawn in turn from every class, the same at every call (0 or too many:
    all).

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
