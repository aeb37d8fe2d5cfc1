"""Read a table of images: a path for each and, where given, its label, split and group."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping
from pathlib import Path

from simclr_tui.errors import DataError
from simclr_tui.recipe.file_content import refuse_other
from simclr_tui.recipe.image_kinds import IMAGE_SUFFIXES, KIND_OF_SUFFIX, kind_by_content
from simclr_tui.recipe.image_walk import LeftOut, suffix_of
from simclr_tui.recipe.layout import (
    GROUP_NAMES,
    TEST_NAMES,
    TRAIN_NAMES,
    UNKNOWN,
    Layout,
    Listing,
    check_groups,
    test_and_validation,
    validated_note,
)
from simclr_tui.recipe.reading import DEFAULT_READING, Reading
from simclr_tui.recipe.refusals import Refusal, by_kind, joined
from simclr_tui.text import did_you_mean, safe

_COLUMNS = {
    "path": ("path", "file", "filename", "file_name", "image", "image_path", "filepath", "name"),
    "label": ("label", "class", "target", "category", "y"),
    "split": ("split", "set", "subset", "fold"),
    "group": GROUP_NAMES,
}
"""Accepted names of each column; the first is the one used in the documentation."""
_COLUMN_Y = "the y of coordinates"  # a column `y` beside `x`, which is no label
_MOST_CLASSES = 50  # more distinct decimal numbers than this are measurements, even if all are whole (1.0, 2.0, …)


def csv_layout(file: Path, reading: Reading = DEFAULT_READING) -> Layout:
    """Return the images listed in a CSV or TSV file, whose paths are absolute or relative to its folder.

    An image is known by its path relative to that folder, however it is written: `./a.png`, `/data/a.png`, `b\\a.png`.
    Raises DataError if there is no path column, if the label column holds measurements, or for all rows that cannot be
    read: without a path or a file, of an unknown split, with more cells than columns, or at odds with another.
    """
    rows, columns, header = _read(file)
    unused = [name for at, name in enumerate(header) if name and at not in columns]
    root, left_out, notes = file.parent, LeftOut(), list[str]()
    for column in unused:
        left_out.add("columns that are not read", column)
    seen, errors = _entries(file, rows, columns, header=header, left_out=left_out)
    errors += _missing_files(file, root, seen)
    if errors:
        raise joined(errors, f"{safe(file.name)} is refused")
    return _layout(file, seen, reading, left_out=left_out, notes=notes)


_Entry = tuple[str, str, str]
"""An image's label, split and group, as written."""
_Row = tuple[int, list[str]]
"""A row's number in the table, from 1, and its cells."""


def _entries(
    file: Path, rows: list[_Row], columns: tuple[int | None, ...], *, header: list[str], left_out: LeftOut
) -> tuple[dict[str, _Entry], list[DataError]]:
    """Return the images of a table, by their names, and an error for each kind of trouble that rows have."""
    seen: dict[str, _Entry] = {}
    refused: list[Refusal] = []

    def refuse(name: str, why: str, hint: str) -> None:
        refused.append(Refusal(name, f"{safe(file.name)}, {safe(name)}{why}", hint))

    for number, row in rows:
        name, *rest = (row[at].strip() if at is not None and at < len(row) else "" for at in columns)
        if any(cell.strip() for cell in row[len(header) :]):
            refuse(
                f"row {number}", f": {len(row)} cells under {len(header)} names of columns",
                "put quotes around a cell that holds the separator, or name all columns",
            )  # fmt: skip
            continue
        if not name:
            refuse(f"row {number}", ": no path", "fill the path column, or delete the row")
            continue
        name, split = _plain_path(name, file.parent), rest[1].lower()
        entry = (rest[0], split, rest[2] if _is_known(rest[2]) else "")
        shown = f"row {number}: {name}"
        if split and split not in (*TRAIN_NAMES, *TEST_NAMES):
            known = ", ".join((*TRAIN_NAMES[:1], *TEST_NAMES))
            hint = f"known splits are {known}; rename a column that means no split"
            refuse(shown, f" has the unknown split {safe(split)!r}", hint)
        elif name in seen and seen[name] != entry:
            refuse(shown, " was already listed with other values", "keep one row per image")
        elif name in seen:
            left_out.add("rows that repeat another", name)
        else:
            seen[name] = entry
    return seen, by_kind(refused)


def _plain_path(written: str, root: Path) -> str:
    """Return a path relative to `root`, absolute where it lies elsewhere; every spelling of it comes to the same."""
    path = Path(written).expanduser() if written.startswith("~/") else Path(written)
    if "\\" in written and not _is_file(root / path):
        path = Path(written.replace("\\", "/"))
    if path.is_absolute() and path.is_relative_to(root.absolute()):
        path = path.relative_to(root.absolute())
    if ".." in path.parts:
        shorter = Path(os.path.normpath(path))
        if _is_file(root / shorter) and (root / shorter).samefile(root / path):  # else a link leads elsewhere
            path = shorter
    return os.fspath(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _read(file: Path) -> tuple[list[_Row], tuple[int | None, ...], list[str]]:
    """Return the rows of a table, where each known column is, and the names of all columns, in lower case."""
    try:
        with file.open("rb") as opened:
            if opened.read(4).startswith(_NO_TEXT):
                raise DataError(f"{safe(str(file))} is a spreadsheet or compressed", "save it as CSV, in UTF-8")
        with file.open(newline="", encoding="utf-8-sig") as text:
            sample = text.readline()
            says_so = _SAYS_DELIMITER.match(sample) is not None
            if says_so:
                delimiter = sample[4]
            else:
                text.seek(0)
                delimiter = max(",;\t|", key=sample.count)
            rows = list(enumerate(csv.reader(text, delimiter=delimiter), start=1 + says_so))
    except UnicodeDecodeError:
        refuse_other(file, "a table")
        raise DataError(f"{safe(str(file))} is not UTF-8", "save the table as UTF-8") from None
    except (OSError, csv.Error) as error:
        raise DataError(f"{safe(str(file))} cannot be read: {error}", "give --data csv:FILE") from None
    rows = [(number, row) for number, row in rows if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise DataError(
            f"{safe(str(file))} lists no images", "the first row must name the columns: path,label,split,group"
        )
    header = [cell.strip().lower() for cell in rows[0][1]]
    known = [_COLUMN_Y if name == "y" and "x" in header else name for name in header]
    columns = tuple(next((known.index(n) for n in names if n in known), None) for names in _COLUMNS.values())
    if columns[0] is None:
        if any(suffix_of(cell.strip()) in IMAGE_SUFFIXES for cell in rows[0][1]):
            raise DataError(
                f"{safe(str(file))} has no names of columns: its first row is an image's",
                "put a row above it: path,label,split,group, as many of them as there are columns",
            )
        hint = did_you_mean("path", header) or f"the columns are {', '.join(map(safe, header))}"
        raise DataError(f"{safe(str(file))} has no column `path`", f"rename one to it; {hint}")
    return rows[1:], columns, header


_SAYS_DELIMITER = re.compile(r"sep=[,;|\t]\s*$")  # as spreadsheets do in a line of its own
_NO_TEXT = (b"PK\3\4", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")  # xlsx and zip, gzip, xls


def _missing_files(file: Path, root: Path, seen: Mapping[str, _Entry]) -> list[DataError]:
    """Return an error for the files that do not exist, and one for those of no kind that is read."""
    missing = [name for name in seen if not os.path.isfile(root / name)]  # noqa: PTH113
    lost = set(missing)
    others = [
        name
        for name in seen
        if name not in lost and suffix_of(name) not in KIND_OF_SUFFIX and kind_by_content(root / name) is None
    ]
    errors = []
    for names, what, hint in (
        (missing, "that do not exist", f"paths are relative to {safe(str(root))}: correct them, or delete those rows"),
        (others, "of no kind that is read", "convert them to TIFF or PNG, or delete those rows"),
    ):
        if names:
            first = ", ".join(map(safe, names[:3])) + (", …" if len(names) > 3 else "")
            message = f"{safe(file.name)} lists files {what}: {len(names):,} of {len(seen):,} ({first})"
            errors.append(DataError(message, hint))
    return errors


def _layout(file: Path, seen: dict[str, _Entry], reading: Reading, *, left_out: LeftOut, notes: list[str]) -> Layout:
    by_split = _by_split(seen, reading, left_out)
    used = {name: seen[name] for names in by_split.values() for name in names}
    known = {label for label, _, _ in used.values() if _is_known(label)}
    classes = _classes(file, known) if reading.labels == "auto" else ()
    if reading.labels == "folder":
        classes = _classes(file, {Path(name).parent.name for name in used})
        if len(classes) < 2:
            raise DataError(f"{safe(file.name)} lists the images of one folder", "give --labels auto, or none")
    if len(classes) < 2:
        classes = ()
    listings = {side: _listing(names, seen, classes, labels=reading.labels) for side, names in by_split.items()}
    if not classes and known and reading.labels != "none":
        notes.append(f"all labels are {safe(next(iter(known)))}, which tells nothing apart: trained without labels")
    for side in ("test", "validation"):
        listing = listings[side]
        if listing and (not classes or set(listing.labels) == {-1}):
            why = " without a label" if classes else ", because nothing is labelled"
            left_out.add(f"{side} images{why}", listing.names[0], len(listing))
            listings[side] = Listing()
    train, test, validation = listings["train"], listings["test"], listings["validation"]
    if not train:
        raise DataError(f"{safe(file.name)} has no training images", "give some rows split = train, or no split at all")
    if classes:
        shown = ", ".join(map(safe, classes[:6])) + (", …" if len(classes) > 6 else "")
        notes.append(f"{len(classes):,} classes: {shown}")
        notes.append("tested on the table's own test split" if test else _hold_out_note(train))
    elif not known:
        notes.append("no labels")
    called = "the table's own validation split" if validation else ""
    notes.extend([validated_note(called)] if called else [])
    check_groups(file.name, train, test, validation=validation)
    return Layout(
        file.parent, classes, train, test, tuple(notes), left_out.sentences, validation=validation, validated_on=called
    )


def _by_split(seen: dict[str, _Entry], reading: Reading, left_out: LeftOut) -> dict[str, list[str]]:
    """Return the images to train, to test and to validate on; of several test splits, the first labelled one tests."""
    found: dict[str, list[str]] = {}
    for name in sorted(seen):
        split = seen[name][1]
        found.setdefault(split if split in TEST_NAMES else "train", []).append(name)
    train = found.pop("train", [])
    tests = [split for split in TEST_NAMES if split in found]
    labelled = [s for s in tests if reading.labels == "folder" or any(_is_known(seen[name][0]) for name in found[s])]
    test, validation = test_and_validation(labelled or tests[:1])
    validation = validation if reading.validation else ""
    for split in tests:
        if split not in (test, validation):
            left_out.add(f"images of the split {split}", found[split][0], len(found[split]))
    return {"train": train, "test": found.get(test, []), "validation": found.get(validation, [])}


def _is_known(label: str) -> bool:
    return label.lower() not in UNKNOWN


def _hold_out_note(train: Listing) -> str:
    key = "group, which stays whole" if train.groups else "name"
    return f"no labelled test split: a tenth is held out, by a hash of each {key}"


def _classes(file: Path, labels: set[str]) -> tuple[str, ...]:
    numbers = [_number(label) for label in labels]
    has_fraction = any(number is not None and number % 1 > 0 for number in numbers)
    many = len(labels) > _MOST_CLASSES and all(map(_is_decimal, labels))
    if None not in numbers and (has_fraction or many):
        first = ", ".join(map(safe, sorted(labels)[:3])) + (", …" if len(labels) > 3 else "")
        raise DataError(
            f"{safe(file.name)}: the label column holds measurements ({first}), not classes",
            "put classes there, or give --labels none",
        )
    return tuple(sorted(labels, key=lambda label: (len(label), label) if label.isdigit() else (0, label)))


def _number(label: str) -> float | None:
    try:
        return float(label.replace(",", ".", 1))
    except ValueError:
        return None


def _is_decimal(number: str) -> bool:
    """Return whether a number is not written as a whole one."""
    return "." in number or "," in number or "e" in number.lower()


def _listing(names: list[str], seen: dict[str, _Entry], classes: tuple[str, ...], *, labels: str) -> Listing:
    class_index = {label: index for index, label in enumerate(classes)}
    given = [Path(name).parent.name if labels == "folder" else seen[name][0] for name in names]
    groups = tuple(seen[name][2] for name in names)
    return Listing(tuple(names), tuple(class_index.get(label, -1) for label in given), groups if any(groups) else ())
