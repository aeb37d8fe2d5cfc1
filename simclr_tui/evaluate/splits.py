"""Splits of the training images for the protocols: a held-out tenth, a class-balanced share, batches of an epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simclr_tui.errors import DataError
from simclr_tui.recipe.hold_out import withheld
from simclr_tui.train.data.pixels import Labels
from simclr_tui.train.rng import Stream, bits64

Ids = NDArray[np.int64]


def hold_out(labels: Labels, seed: int, groups: Sequence[str] = ()) -> tuple[Ids, Ids]:
    """Split training images into (fit, held): held is a tenth of every class, at least one of each with two or more.

    A search selects on `held`, never on the test images. Where images have groups, `held` is about a tenth of the
    groups, by a hash of seed and group, and no group is on both sides. Raises DataError where no class has two images
    (groups).
    """
    if any(groups):
        return _hold_out_groups(labels, seed, groups)
    counts = np.bincount(labels)
    quota = np.where(counts > 1, np.maximum(1, np.rint(counts / 10)), 0)
    mask = _ranks(labels, seed, Stream.HELD_OUT) < quota[labels]
    if not mask.any():
        raise DataError("no class has two labelled training images, so none can be held out", "give more images")
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def _hold_out_groups(labels: Labels, seed: int, groups: Sequence[str]) -> tuple[Ids, Ids]:
    names = [str(place) for place in range(len(labels))]
    mask = np.array(withheld(names, labels.tolist(), groups, purpose=f"search {seed}"), np.bool_)
    if not mask.any():
        raise DataError(
            "the labelled training images have too few groups to hold one out and leave images of every class",
            "give more groups",
        )
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def balanced_share(labels: Labels, share: float, seed: int) -> Ids:
    """Return the sorted ids of a share of the images, the same number from every class and at least one; 1 means all.

    A class with fewer images contributes all of them. For one seed, a larger share contains every smaller one.
    """
    if share >= 1:
        return np.arange(len(labels))
    quota = max(1, round(share * len(labels) / len(np.unique(labels))))
    return np.flatnonzero(_ranks(labels, seed, Stream.LABELS) < quota)


def batches(samples: Ids, most: int, *, seed: int, epoch: int) -> list[Ids]:
    """Split all samples into one epoch's shuffled batches of equal size (±1), the fewest of at most `most` samples."""
    keys = bits64(seed, Stream.EVALUATION_ORDER, epoch, samples, 0, 1)[:, 0]
    return np.array_split(samples[np.argsort(keys, kind="stable")], batches_of(len(samples), most))


def batches_of(count: int, most: int) -> int:
    """Return how many batches an epoch of `count` samples has."""
    return -(-count // most)


def _ranks(labels: Labels, seed: int, stream: Stream) -> Ids:
    """Return the rank of each image in a shuffle of its class, from 0."""
    keys = bits64(seed, stream, 0, np.arange(len(labels), dtype=np.int64), 0, 1)[:, 0]
    by_class = np.lexsort((keys, labels))
    ordered = labels[by_class]
    ranks = np.empty(len(labels), np.int64)
    ranks[by_class] = np.arange(len(labels)) - np.searchsorted(ordered, ordered)
    return ranks
