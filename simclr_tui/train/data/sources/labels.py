"""Turn the labels of arrays and tables into classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from simclr_tui.errors import DataError
from simclr_tui.recipe.layout import UNKNOWN
from simclr_tui.recipe.reading import Reading
from simclr_tui.recipe.refusals import joined
from simclr_tui.text import safe

NONE = -1
ONE_CLASS = "all labels are the same, which tells nothing apart: trained without labels"
_SHOWN = 3


def to_classes(where: str, given: Sequence[Any], names: Sequence[str] = ()) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the classes and each image's index among them; `names` are those of the labels 0, 1, … where known.

    Unknown labels (None, NaN, −1, empty) are -1. A single class is none, because every image would be told apart from
    no other. Raises DataError where the labels are measurements.
    """
    words = _words(where, given)
    if names:
        table = {str(number): name for number, name in enumerate(names)}
        words = [table.get(word, word) for word in words]
        classes = tuple(names)
    else:
        known = set(words) - {""}
        _refuse_measurements(where, words)
        classes = tuple(sorted(known, key=lambda word: (len(word), word) if word.isdigit() else (0, word)))
    if len(classes) < 2 or len(set(words) - {""}) < 2:
        classes = ()
    index = {name: number for number, name in enumerate(classes)}
    return classes, tuple(index.get(word, NONE) for word in words)


def _words(where: str, given: Sequence[Any]) -> list[str]:
    """Return each label as a word, "" where it is unknown. Raises one DataError for all labels that tell no class."""
    words: list[str] = []
    refused: dict[tuple[str, str], list[int]] = {}
    measured: list[str] = []
    for place, label in enumerate(given):
        plain = _plain(label)
        if isinstance(plain, list):
            why = f"an image has {len(plain)} labels", "give one class for each image, or --labels none"
            refused.setdefault(why, []).append(place)
        elif isinstance(plain, dict):
            named = ", ".join(safe(str(key)) for key in plain)
            why = f"a label has parts ({named})", "give a number or a name, or --labels none"
            refused.setdefault(why, []).append(place)
        elif isinstance(plain, float) and plain % 1 and not math.isnan(plain):
            measured.append(f"{plain:g}")
        else:
            words.append(_word(plain))
    errors = [
        DataError(f"{safe(where)}: {message}{_places(places, len(given))}", hint)
        for (message, hint), places in refused.items()
    ]
    errors += [_measured(where, measured, len(given))] if measured else []
    if errors:
        raise joined(errors, f"the labels of {safe(where)} are refused")
    return words


def _places(places: Sequence[int], count: int) -> str:
    """Return which of the labels, counted from 0, are refused; nothing where only one label is there."""
    if count == 1:
        return ""
    first = ", ".join(str(place) for place in places[:_SHOWN]) + (", …" if len(places) > _SHOWN else "")
    return f" ({len(places):,} of {count:,} labels: {first})"


def _refuse_measurements(where: str, words: Sequence[str]) -> None:
    """Raise DataError where all labels are written as numbers, and some of them with a fraction."""
    known = [word for word in words if word]
    try:
        measured = [word for word in known if float(word) % 1]
    except ValueError:  # some are names
        return
    if measured:
        raise _measured(where, measured, len(words))


def _measured(where: str, measured: Sequence[str], count: int) -> DataError:
    different = list(dict.fromkeys(measured))
    first = ", ".join(map(safe, different[:_SHOWN])) + (", …" if len(different) > _SHOWN else "")
    return DataError(
        f"{safe(where)}: the labels are measurements, not classes ({len(measured):,} of {count:,} labels: {first})",
        "give whole numbers or names, or --labels none",
    )


def any_known(given: Sequence[Any]) -> bool:
    """Return whether any label tells a class, or would if it were one."""
    return any(_word(_plain(label)) for label in given)


def describe_classes(classes: Sequence[str], given: Sequence[Any]) -> str:
    """Return a sentence on the classes that `to_classes` made of the labels `given`."""
    if classes:
        return f"{len(classes):,} classes"
    return ONE_CLASS if any_known(given) else "no labels"


def no_folders(where: str, reading: Reading) -> None:
    """Raise DataError where the classes should be those of folders, which the source has not."""
    if reading.labels == "folder":
        raise DataError(f"{safe(where)} has no folders to take for classes", "give --labels auto, or none")


def to_groups(given: Sequence[Any]) -> tuple[str, ...]:
    """Return each image's group, "" where it is unknown as a label may be: images without one are no group together."""
    groups = tuple(str(value).strip() if _word(_plain(value)) else "" for value in given)
    return groups if any(groups) else ()


def _plain(label: Any) -> Any:
    """Return a label without the array or the list of one that holds it."""
    if isinstance(label, bytes):
        return label.decode("utf-8", "backslashreplace")
    if hasattr(label, "tolist"):
        label = label.tolist()
    return _plain(label[0]) if isinstance(label, list) and len(label) == 1 else label


def _word(plain: Any) -> str:
    if isinstance(plain, float):
        if math.isnan(plain):
            return ""
        plain = plain if plain % 1 else int(plain)
    word = str(plain).strip()
    return "" if word.lower() in UNKNOWN else word
