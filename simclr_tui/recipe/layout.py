"""Hold the listing of a data set: which images train, which test, and what their classes are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Listing:
    """Images by name, in order, each with its class index (-1: unlabelled) and, where there are any, its group."""

    names: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Layout:
    """Describe what a data set holds. `classes` is empty where the images are unlabelled; then `test` is, too.

    `notes` are sentences about how splits and classes were found, `left_out` about what was not taken.
    """

    root: Path
    classes: tuple[str, ...]
    train: Listing
    test: Listing
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def held_out(self) -> bool:
        """Return whether part of `train` has to serve as the test split."""
        return bool(self.classes) and not self.test
