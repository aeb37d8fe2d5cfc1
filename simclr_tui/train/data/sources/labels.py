"""Turn the labels of arrays and tables into classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from simclr_tui.errors import DataError
from simclr_tui.recipe.reading import Reading
from simclr_tui.text import safe

NONE = -1
ONE_CLASS = "all labels are the same, which tells nothing apart: trained without labels"
_UNKNOWN = ("", "none", "nan", "null")


def to_classes(where: str, given: Sequence[Any], names: Sequence[str] = ()) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the classes and each image's index among them; `names` are those of the labels 0, 1, … where known.

    Unknown labels (None, NaN, −1, empty) are -1. A single class is none, because every image would be told apart from
    no other. Raises DataError where the labels are measurements.
    """
    words = [_word(where, label) for label in given]
    if names:
        table = {str(number): name for number, name in enumerate(names)}
        words = [table.get(word, word) for word in words]
        classes = tuple(names)
    else:
        known = set(words) - {""}
        _refuse_measurements(where, known)
        classes = tuple(sorted(known, key=lambda word: (len(word), word) if word.isdigit() else (0, word)))
    if len(classes) < 2 or len(set(words) - {""}) < 2:
        classes = ()
    index = {name: number for number, name in enumerate(classes)}
    return classes, tuple(index.get(word, NONE) for word in words)


def _refuse_measurements(where: str, words: set[str]) -> None:
    """Raise DataError where all labels are written as numbers, and some of them with a fraction."""
    try:
        fractions = {word: float(word) % 1 for word in sorted(words)}
    except ValueError:  # some are names
        return
    first = next((word for word, fraction in fractions.items() if fraction), None)
    if first is not None:
        raise _measured(where, first)


def _measured(where: str, label: str) -> DataError:
    return DataError(
        f"{safe(where)}: the labels are measurements ({safe(label)}, …), not classes",
        "give whole numbers or names, or --labels none",
    )


def any_known(where: str, given: Sequence[Any]) -> bool:
    """Return whether any label tells a class. Raises DataError for labels that are several to an image."""
    return any(_word(where, label) for label in given)


def describe_classes(classes: Sequence[str], given: Sequence[Any]) -> str:
    """Return a sentence on the classes that `to_classes` made of the labels `given`."""
    if classes:
        return f"{len(classes):,} classes"
    return ONE_CLASS if any_known("", given) else "no labels"


def no_folders(where: str, reading: Reading) -> None:
    """Raise DataError where the classes should be those of folders, which the source has not."""
    if reading.labels == "folder":
        raise DataError(f"{safe(where)} has no folders to take for classes", "give --labels auto, or none")


def to_groups(given: Sequence[Any]) -> tuple[str, ...]:
    """Return each image's group, "" where it is unknown (None, NaN): images without one are no group together."""
    groups = tuple("" if value is None or value != value else str(value) for value in given)
    return groups if any(groups) else ()


def _word(where: str, label: Any) -> str:
    if isinstance(label, bytes):
        label = label.decode("utf-8", "backslashreplace")
    if hasattr(label, "tolist"):
        label = label.tolist()
    if isinstance(label, list):
        if len(label) != 1:
            raise DataError(
                f"{safe(where)}: an image has {len(label)} labels", "give one class for each image, or --labels none"
            )
        return _word(where, label[0])
    if isinstance(label, dict):
        named = ", ".join(safe(str(key)) for key in label)
        raise DataError(f"{safe(where)}: a label has parts ({named})", "give a number or a name, or --labels none")
    if isinstance(label, float):
        if math.isnan(label):
            return ""
        if label % 1:
            raise _measured(where, f"{label:g}")
        label = int(label)
    word = str(label).strip()
    return "" if word.lower() in _UNKNOWN or word == "-1" else word
