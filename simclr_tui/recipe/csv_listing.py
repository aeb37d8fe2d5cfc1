"""Read a table of images: a path for each and, where given, its label, split and group."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

from simclr_tui.errors import DataError
from simclr_tui.recipe.file_content import refuse_other
from simclr_tui.recipe.image_kinds import IMAGE_SUFFIXES, KIND_OF_SUFFIX, kind_by_content
from simclr_tui.recipe.image_walk import LeftOut, suffix_of
from simclr_tui.recipe.layout import (
    TEST_NAMES,
    TRAIN_NAMES,
    Layout,
    Listing,
    check_groups,
    test_and_validation,
    validated_note,
)
from simclr_tui.recipe.reading import DEFAULT_READING, Reading
from simclr_tui.text import did_you_mean, safe

_COLUMNS = {
    "path": ("path", "file", "filename", "file_name", "image", "image_path", "filepath", "name"),
    "label": ("label", "class", "target", "category", "y"),
    "split": ("split", "set", "subset", "fold"),
    "group": ("group", "patient", "patient_id", "subject", "slide", "slide_id", "video", "plate", "well"),
}
"""Accepted names of each column; the first is the one used in the documentation."""
_COLUMN_Y = "the y of coordinates"  # a column `y` beside `x`, which is no label
_UNKNOWN = ("", "-1", "nan", "none", "null", "na")
"""Labels and groups that say nothing, in any case."""
_MOST_CLASSES = 50  # more distinct decimal numbers than this are measurements, even if all are whole (1.0, 2.0, …)


def csv_layout(file: Path, reading: Reading = DEFAULT_READING) -> Layout:
    """Return the images listed in a CSV or TSV file, whose paths are absolute or relative to its folder.

    An image is known by its path relative to that folder, however it is written: `./a.png`, `/data/a.png`, `b\\a.png`.
    Raises DataError if there is no path column, if a row has no path (the row is named), if a path is listed twice
    with different values, or if the label column holds measurements.
    """
    rows, columns, unused = _read(file)
    root, left_out, notes = file.parent, LeftOut(), list[str]()
    for column in unused:
        left_out.add("columns that are not read", column)
    seen: dict[str, tuple[str, str, str]] = {}
    for number, row in enumerate(rows, start=2):
        name, *rest = (row[at].strip() if at is not None and at < len(row) else "" for at in columns)
        if not name:
            raise DataError(f"{safe(file.name)}, row {number}: no path", "fill the path column, or delete the row")
        group = rest[2] if _is_known(rest[2]) else ""
        name, entry = _plain_path(name, root), (rest[0], rest[1].lower(), group)
        if name in seen:
            if seen[name] != entry:
                raise DataError(
                    f"{safe(file.name)}, row {number}: {safe(name)} was already listed with other values",
                    "keep one row per image",
                )
            left_out.add("rows that repeat another", name)
            continue
        seen[name] = entry
    _check_files(file, root, seen)
    return _layout(file, seen, reading, left_out=left_out, notes=notes)


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


def _read(file: Path) -> tuple[list[list[str]], tuple[int | None, ...], list[str]]:
    """Return the rows of a table, where each known column is, and the names of the other columns."""
    try:
        with file.open("rb") as opened:
            if opened.read(4).startswith(_NO_TEXT):
                raise DataError(f"{safe(str(file))} is a spreadsheet or compressed", "save it as CSV, in UTF-8")
        with file.open(newline="", encoding="utf-8-sig") as text:
            sample = text.readline()
            if _SAYS_DELIMITER.match(sample):
                delimiter = sample[4]
            else:
                text.seek(0)
                delimiter = max(",;\t|", key=sample.count)
            rows = list(csv.reader(text, delimiter=delimiter))
    except UnicodeDecodeError:
        refuse_other(file, "a table")
        raise DataError(f"{safe(str(file))} is not UTF-8", "save the table as UTF-8") from None
    except (OSError, csv.Error) as error:
        raise DataError(f"{safe(str(file))} cannot be read: {error}", "give --data csv:FILE") from None
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise DataError(
            f"{safe(str(file))} lists no images", "the first row must name the columns: path,label,split,group"
        )
    header = [cell.strip().lower() for cell in rows[0]]
    known = [_COLUMN_Y if name == "y" and "x" in header else name for name in header]
    columns = tuple(next((known.index(n) for n in names if n in known), None) for names in _COLUMNS.values())
    if columns[0] is None:
        if any(suffix_of(cell.strip()) in IMAGE_SUFFIXES for cell in rows[0]):
            raise DataError(
                f"{safe(str(file))} has no names of columns: its first row is an image's",
                "put a row above it: path,label,split,group, as many of them as there are columns",
            )
        hint = did_you_mean("path", header) or f"the columns are {', '.join(map(safe, header))}"
        raise DataError(f"{safe(str(file))} has no column `path`", f"rename one to it; {hint}")
    return rows[1:], columns, [name for at, name in enumerate(header) if name and at not in columns]


_SAYS_DELIMITER = re.compile(r"sep=[,;|\t]\s*$")  # as spreadsheets do in a line of its own
_NO_TEXT = (b"PK\3\4", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")  # xlsx and zip, gzip, xls


def _check_files(file: Path, root: Path, seen: dict[str, tuple[str, str, str]]) -> None:
    missing = [name for name in seen if not os.path.isfile(root / name)]  # noqa: PTH113
    if missing:
        first = ", ".join(map(safe, missing[:3])) + (", …" if len(missing) > 3 else "")
        raise DataError(
            f"{safe(file.name)} lists files that do not exist: {len(missing):,} of {len(seen):,} ({first})",
            f"paths are relative to {safe(str(root))}: correct them, or delete those rows",
        )
    others = [name for name in seen if suffix_of(name) not in KIND_OF_SUFFIX and kind_by_content(root / name) is None]
    if others:
        first = ", ".join(map(safe, others[:3])) + (", …" if len(others) > 3 else "")
        raise DataError(
            f"{safe(file.name)} lists files of no kind that is read: {len(others):,} of {len(seen):,} ({first})",
            "convert them to TIFF or PNG, or delete those rows",
        )


def _layout(
    file: Path, seen: dict[str, tuple[str, str, str]], reading: Reading, *, left_out: LeftOut, notes: list[str]
) -> Layout:
    by_split = _by_split(file, seen, reading, left_out=left_out)
    used = {name: seen[name] for names in by_split.values() for name in names}
    known = {label for label, _, _ in used.values() if _is_known(label)}
    classes = () if reading.labels == "none" else _classes(file, known)
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


def _by_split(
    file: Path, seen: dict[str, tuple[str, str, str]], reading: Reading, *, left_out: LeftOut
) -> dict[str, list[str]]:
    """Return the images to train, to test and to validate on; of several test splits, the first labelled one tests."""
    found: dict[str, list[str]] = {}
    for name in sorted(seen):
        found.setdefault(_split(file, name, seen[name][1]), []).append(name)
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
    return label.lower() not in _UNKNOWN


def _hold_out_note(train: Listing) -> str:
    key = "group, which stays whole" if train.groups else "name"
    return f"no labelled test split: a tenth is held out, by a hash of each {key}"


def _split(file: Path, name: str, split: str) -> str:
    """Return the split that a row names, `train` where it names none. Raises DataError for a word that is no split."""
    if not split or split in TRAIN_NAMES:
        return "train"
    if split in TEST_NAMES:
        return split
    raise DataError(
        f"{safe(file.name)}: {safe(name)} has the unknown split {safe(split)!r}",
        f"known splits are {', '.join((*TRAIN_NAMES[:1], *TEST_NAMES))}; rename a column that means no split",
    )


def _classes(file: Path, labels: set[str]) -> tuple[str, ...]:
    numbers = [label for label in labels if _is_decimal(label)]
    many = len(labels) > _MOST_CLASSES
    if numbers and len(numbers) == len(labels) and (many or any(float(n.replace(",", ".", 1)) % 1 for n in numbers)):
        raise DataError(
            f"{safe(file.name)}: the label column holds measurements ({safe(sorted(labels)[0])}, …), not classes",
            "put classes there, or give --labels none",
        )
    return tuple(sorted(labels, key=lambda label: (len(label), label) if label.isdigit() else (0, label)))


def _is_decimal(label: str) -> bool:
    try:
        float(label.replace(",", ".", 1))
    except ValueError:
        return False
    return "." in label or "," in label or "e" in label.lower()


def _listing(
    names: list[str], seen: dict[str, tuple[str, str, str]], classes: tuple[str, ...], *, labels: str
) -> Listing:
    class_index = {label: index for index, label in enumerate(classes)}
    given = [Path(name).parent.name if labels == "folder" else seen[name][0] for name in names]
    groups = tuple(seen[name][2] for name in names)
    return Listing(tuple(names), tuple(class_index.get(label, -1) for label in given), groups if any(groups) else ())
