"""Choose which images of a data set train and which test."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simclr_tui.recipe import folders_0_1
from simclr_tui.recipe.hold_out import held_out
from simclr_tui.recipe.layout import Layout, Listing
from simclr_tui.recipe.reading import AS_0_1, DEFAULT_READING, Reading
from simclr_tui.train.data.images import draw, hold_out
from simclr_tui.train.data.pixels import Labels


@dataclass(frozen=True)
class Split:
    """Hold the images of one split that a run uses, by name, in order, with their groups where there are any."""

    names: tuple[str, ...]
    labels: Labels
    groups: tuple[str, ...] = ()

    def take(self, index: npt.NDArray[np.int64]) -> Split:
        groups = tuple(self.groups[i] for i in index) if self.groups else ()
        return Split(tuple(self.names[i] for i in index), self.labels[index], groups)


def chosen(layout: Layout, subset: int, reading: Reading = DEFAULT_READING) -> tuple[Split, Split, Split]:
    """Return the images to train on, to test on, and to validate on, at most `subset` of each (0: all).

    Without a test split, a tenth is held out: by a hash of each name (or group), or as version 0.1 drew it. The last
    are none where the data has no validation split of its own.
    """
    train, test = _split(layout.train), _split(layout.test)
    if layout.held_out:
        mask = _held_out(layout.train, train.labels, reading)
        train, test = train.take(np.flatnonzero(~mask)), train.take(np.flatnonzero(mask))
    first, second, third = (
        split.take(draw(split.labels, subset)) for split in (train, test, _split(layout.validation))
    )
    return first, second, third


def _split(listing: Listing) -> Split:
    return Split(listing.names, np.asarray(listing.labels, np.int64), listing.groups)


def _held_out(listing: Listing, labels: Labels, reading: Reading) -> npt.NDArray[np.bool_]:
    if reading.split == AS_0_1:
        counts = Counter(listing.labels).items()
        return hold_out(labels, {label: folders_0_1.held_out(count) for label, count in counts})
    return np.asarray(held_out(listing.names, listing.labels, listing.groups), np.bool_)
