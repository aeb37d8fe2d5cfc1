"""The layout of a data set: which images are for training, which for testing, and what their classes are."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

from simclr_tui.errors import DataError
from simclr_tui.text import safe


@dataclass(frozen=True)
class Listing:
    """List images by name, in order, each with its class index (-1: unlabelled) and, if there are groups, its group."""

    names: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Layout:
    """Describe what a data set holds. If the images are unlabelled, `classes` and `test` are empty.

    `notes` are sentences about how splits and classes were found, `left_out` about files that are not used.
    """

    root: Path
    classes: tuple[str, ...]
    train: Listing
    test: Listing
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def held_out(self) -> bool:
        """Return whether part of `train` must be held out, because there is no test split."""
        return bool(self.classes) and not self.test


def check_groups(where: str, train: Listing, test: Listing) -> None:
    """Raise DataError if a group (patient, slide, video) is in both training and test; `where` names the data."""
    both = (set(train.groups) & set(test.groups)) - {""}
    if both:
        first = ", ".join(map(safe, itertools.islice(sorted(both), 3)))
        groups = "1 group is" if len(both) == 1 else f"{len(both):,} groups are"
        raise DataError(f"{safe(where)}: {groups} in both training and test ({first})", "put every group on one side")
