"""The layout of a data set: which images are for training, which for testing, and what their classes are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simclr_tui.errors import DataError
from simclr_tui.text import safe

TRAIN_NAMES = ("train", "training")
TEST_NAMES = ("test", "testing", "val", "valid", "validation", "eval", "evaluation", "dev")
"""Names of test splits, in lower case; of several labelled ones, the first in this order is used."""
VALIDATION_NAMES = ("val", "valid", "validation", "dev")
"""Names among these of a split that holds validation images, where the test split has another name."""
GROUP_NAMES = ("group", "patient", "patient_id", "subject", "slide", "slide_id", "video", "plate", "well")
"""Names of a table's column that says which images no split may divide; the first is the one of the documentation."""
UNKNOWN = ("", "-1", "nan", "none", "null", "na")
"""Labels and groups that say nothing, in lower case."""


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
    """Describe what a data set holds. If the images are unlabelled, `classes`, `test` and `validation` are empty.

    `validation` is empty too where the data has no split of its own to choose by; `validated_on` is what it calls that
    split. `notes` are sentences about how splits and classes were found, `left_out` about files that are not used.
    """

    root: Path
    classes: tuple[str, ...]
    train: Listing
    test: Listing
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    validation: Listing = Listing()
    validated_on: str = ""

    @property
    def held_out(self) -> bool:
        """Return whether part of `train` must be held out, because there is no test split."""
        return bool(self.classes) and not self.test


def test_and_validation(labelled: Sequence[str]) -> tuple[str, str]:
    """Return which splits test and validate ('': none), of labelled ones by their names in the order of TEST_NAMES.

    The first one tests. A split called validation is that only beside one which is called a test.
    """
    test = labelled[0] if labelled else ""
    validation = next((name for name in labelled if name in VALIDATION_NAMES), "")
    return test, "" if test in VALIDATION_NAMES else validation


def validated_note(called: str) -> str:
    """Return a sentence on the split that holds the validation images, by what it is called."""
    return f"the validation images are those of {safe(called)}"


def check_groups(where: str, train: Listing, test: Listing, *, validation: Listing = Listing()) -> None:
    """Raise DataError if a group (patient, slide, video) is in two splits; `where` names the data."""
    for one, other, sides in (
        (train, test, "training and test"),
        (train, validation, "training and validation"),
        (validation, test, "validation and test"),
    ):
        both = (set(one.groups) & set(other.groups)) - {""}
        if both:
            first = ", ".join(map(safe, itertools.islice(sorted(both), 3)))
            groups = "1 group is" if len(both) == 1 else f"{len(both):,} groups are"
            raise DataError(f"{safe(where)}: {groups} in both {sides} ({first})", "put every group on one side")
