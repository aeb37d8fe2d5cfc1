"""Read images that are rows of tables, in splits: what Parquet files and data sets of the hub have in common."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simclr_tui.errors import DataError
from simclr_tui.recipe.data_sources import DataSource
from simclr_tui.recipe.layout import (
    TEST_NAMES,
    TRAIN_NAMES,
    Layout,
    Listing,
    check_groups,
    test_and_validation,
    validated_note,
)
from simclr_tui.recipe.reading import Reading
from simclr_tui.text import safe
from simclr_tui.train.data.readers.protocol import File
from simclr_tui.train.data.sources.files import file_stamp, joined_stamps
from simclr_tui.train.data.sources.labels import any_known, describe_classes, no_folders, to_classes, to_groups

IMAGE_COLUMNS = ("image", "img", "jpg", "png", "bytes", "content", "picture")
LABEL_COLUMNS = ("label", "labels", "class", "cls", "target", "fine_label", "category")


@dataclass(frozen=True)
class Rows:
    """Hold the rows of one split: `image` gives the one of a row; labels and groups are empty where no column has
    them.

    `files` finds the file of each image, None where the table holds the image itself; it is empty where it holds all.
    """

    image: Callable[[int], File]
    count: int
    labels: Sequence[Any] = ()
    groups: Sequence[Any] = ()
    files: Callable[[], Sequence[Path | None]] = tuple


class TableSource:
    """Give images of the rows of one or more splits. An image's name is its split and row."""

    def __init__(
        self, source: DataSource, splits: Mapping[str, Rows], *, class_names: Sequence[str], stamp: str
    ) -> None:
        self._source, self._splits = source, {split: rows for split, rows in splits.items() if rows.count}
        self._class_names, self._stamp = class_names, stamp
        self._files: dict[str, Sequence[Path | None]] = {}
        if not self._splits:
            raise DataError(f"{safe(source.text)} has no rows", "give a table of at least one image")

    @property
    def spec(self) -> str:
        return self._source.absolute().text

    def stamp(self, name: str) -> str:
        split, _, number = name.partition("/")
        if split not in self._files:
            self._files[split] = self._splits[split].files()
        file = self._files[split][int(number)] if self._files[split] else None
        return self._stamp if file is None else joined_stamps([self._stamp, file_stamp(file)])

    def image(self, name: str) -> File:
        split, _, number = name.partition("/")
        return self._splits[split].image(int(number))

    def layout(self, reading: Reading) -> Layout:
        no_folders(self._source.text, reading)
        train = next((split for split in TRAIN_NAMES if split in self._splits), next(iter(self._splits)))
        labelled = reading.labels != "none" and any_known(self._splits[train].labels)
        test, validation = test_and_validation(self._labelled_tests(train) if labelled else [])
        used = [split for split in (train, test, validation if reading.validation else "") if split]
        given = [label for split in used for label in self._splits[split].labels] if labelled else []
        classes, index = to_classes(self._source.text, given, self._class_names)
        if not classes:
            used, index = [train], ()
        starts = itertools.accumulate((self._splits[split].count for split in used), initial=0)
        listings = [self._listing(split, index[start:]) for split, start in zip(used, starts, strict=False)]
        listed, tested, validated = (*listings, Listing(), Listing())[:3]
        called = validation if validated else ""
        check_groups(self._source.text, listed, tested, validation=validated)
        notes = [describe_classes(classes, given)]
        if classes:
            notes.append(f"tested on {test}" if test else "no labelled test split: a tenth is held out, by a hash")
        notes.extend([validated_note(called)] if called else [])
        left = tuple(
            f"left out: {rows.count:,} images of the split {safe(split)}"
            for split, rows in sorted(self._splits.items())
            if split not in used
        )
        return Layout(Path(), classes, listed, tested, tuple(notes), left, validation=validated, validated_on=called)

    def _labelled_tests(self, train: str) -> list[str]:
        """Return the test splits with a known label, in order: many a hub keeps the labels of `test`."""
        tests = (split for split in TEST_NAMES if split in self._splits and split != train)
        return [split for split in tests if any_known(self._splits[split].labels)]

    def _listing(self, split: str, labels: tuple[int, ...]) -> Listing:
        rows = self._splits[split]
        names = tuple(f"{split}/{row:07}" for row in range(rows.count))
        return Listing(names, labels[: rows.count] or (-1,) * rows.count, to_groups(rows.groups))


def file_of(value: Any, folder: Path) -> Path | None:
    """Return the file that a cell names by its path, relative to the table's folder; None where it names none."""
    if isinstance(value, dict):  # as the hub keeps images
        value = None if value.get("bytes") else value.get("path")
    return folder / value if isinstance(value, str) else None


def encoded(source: DataSource, value: Any, folder: Path) -> File:
    """Return the image that a cell holds: its bytes, or a path relative to the table. Raises DataError for others."""
    file = file_of(value, folder)
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if file is not None:
        if file_stamp(file) == "missing":
            raise DataError(
                f"{safe(source.text)} lists {safe(value)!r}, which does not exist",
                "correct the path, which is relative to the table, or delete the row",
            )
        return file
    if value is None:
        raise DataError(f"{safe(source.text)} has a row without an image", "delete the row")
    if not isinstance(value, bytes):
        raise DataError(f"{safe(source.text)} holds no encoded images", "keep each as the bytes of a PNG or JPEG file")
    return value


def no_column(where: str, names: Sequence[str], known: Sequence[str], *, what: str) -> DataError:
    """Return the error of a table that has none of the known columns."""
    return DataError(f"{where} has no {what} column: {', '.join(map(safe, names))}", f"call it {known[0]}")


def first_of(known: Sequence[str], names: Sequence[str]) -> str | None:
    """Return the column of a table that has the first of the known names, in any case; None where none has."""
    folded = {name.strip().lower(): name for name in reversed(names)}
    return next((folded[name] for name in known if name in folded), None)
