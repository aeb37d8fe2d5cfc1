"""Read a folder of images: which ones are for training, which for testing, and what their classes are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from simclr_tui.errors import DataError
from simclr_tui.recipe import folders_0_1
from simclr_tui.recipe.image_kinds import IMAGE_SUFFIXES
from simclr_tui.recipe.image_walk import LeftOut, top, walk
from simclr_tui.recipe.layout import TEST_NAMES, TRAIN_NAMES, Layout, Listing, test_and_validation, validated_note
from simclr_tui.recipe.reading import AS_0_1, DEFAULT_READING, Reading
from simclr_tui.text import safe


def folder_layout(path: Path, reading: Reading = DEFAULT_READING) -> Layout:
    """Return the layout of `path/class/…`, of `path/train/class/…` with `path/test/class/…`, or of unlabelled images.

    Splits are known by their names in any case; of test/ and val/, both with classes, val/ holds the validation images.

    Two or more subfolders with images are classes, and images beside them are left out. Anything else is unlabelled,
    and every image below `path` is used. `reading.labels` overrides this: with `none` no folder is a class, with
    `folder` every one is.

    Raises DataError if the folder cannot be read or holds no images, or if `--labels folder` finds fewer than two
    classes.
    """
    try:
        layout = folders_0_1.layout(path) if reading.split == AS_0_1 else _Folder(path, reading).layout()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        where = safe(os.fsdecode(error.filename or path))
        raise DataError(f"{where} cannot be read: {reason}", "check the path and its permissions") from None
    if not layout.train:
        raise DataError(
            f"no images in {safe(str(path))}" + "".join(f"; {sentence}" for sentence in layout.left_out),
            "put images there, in one folder or a folder per class: " + " ".join(s[1:] for s in IMAGE_SUFFIXES),
        )
    return layout


_NO_CLASS = "none is in a class folder of the training split"


class _Folder:
    def __init__(self, root: Path, reading: Reading) -> None:
        self._root, self._labels, self._validates = root, reading.labels, reading.validation
        self._left_out, self._notes = LeftOut(), list[str]()
        self._names = sorted(walk(os.fspath(root), self._left_out))

    def layout(self) -> Layout:
        below = self._wrapper()
        splits = self._splits(below)
        train = splits.get("train")
        names = self._names if train is None else self._under(f"{below}{train}/")
        prefix = below if train is None else f"{below}{train}/"
        by_class = _by_class(names, prefix)
        if self._labels == "none" or (self._labels == "auto" and len(by_class) < 2):
            return self._unlabelled(names, splits, by_class)
        if len(by_class) < 2:
            raise DataError(
                f"--labels folder: {safe(str(self._root))} has {len(by_class) or 'no'} class folder",
                "put the images of each class into a folder of its own, or give --labels auto",
            )
        return self._labelled(names, prefix, by_class, splits=splits, below=below)

    def _wrapper(self) -> str:
        """Return the folder that wraps all images, unless it is a split: an archive often unpacks into one."""
        below = ""
        while self._names:
            found = {top(name[len(below) :]) for name in self._names}
            inner = next(iter(found))
            if len(found) > 1 or not inner or inner.lower() in (*TRAIN_NAMES, *TEST_NAMES):
                return below
            if self._labels == "folder" or not any("/" in name[len(below) + len(inner) + 1 :] for name in self._names):
                return below
            below += f"{inner}/"
        return below

    def _splits(self, below: str) -> dict[str, str]:
        """Return the folder of each split: `train`, then the test splits in the order of TEST_NAMES.

        A folder `train` may also be a class of vehicle, so it is a split only if it has classes inside it or a test
        split beside it.
        """
        folders = {top(name[len(below) :]) for name in self._names} - {""}
        by_name: dict[str, str] = {}
        for folder in sorted(folders):
            by_name.setdefault(folder.lower(), folder)
        train = next((by_name[name] for name in TRAIN_NAMES if name in by_name), None)
        tests = {name: by_name[name] for name in TEST_NAMES if name in by_name}
        if train is None:
            return {}
        inside = _by_class(self._under(f"{below}{train}/"), f"{below}{train}/")
        if not tests and not inside:
            return {}
        return {"train": train} | tests

    def _under(self, prefix: str) -> list[str]:
        return [name for name in self._names if name.startswith(prefix)]

    def _unlabelled(self, names: list[str], splits: dict[str, str], by_class: dict[str, list[str]]) -> Layout:
        if self._labels == "none" and by_class:
            self._notes.append(f"no labels, as --labels none says: {len(by_class):,} folders are not used as classes")
        if splits:
            self._leave_out(set(self._names) - set(names), "images outside the training split, which has no classes")
        return self._layout((), Listing(tuple(names), (-1,) * len(names)), Listing())

    def _labelled(
        self, names: list[str], prefix: str, by_class: dict[str, list[str]], *, splits: dict[str, str], below: str
    ) -> Layout:
        classes = tuple(sorted(by_class))
        train = _listing(by_class, classes)
        self._leave_out((name for name in names if not top(name[len(prefix) :])), "images beside the class folders")
        tests = {name: folder for name, folder in splits.items() if name != "train"}
        listings = {
            name: _listing(_by_class(self._under(inside := f"{below}{folder}/"), inside), classes)
            for name, folder in tests.items()
        }
        test, validation = test_and_validation([name for name, listing in listings.items() if listing])
        if not self._validates:
            validation = ""
        for name, folder in tests.items():
            found, listing = self._under(f"{below}{folder}/"), listings[name]
            if name not in (test, validation):
                reason = f"{tests[test]}/ is the test split" if listing else _NO_CLASS
                self._leave_out(found, f"images in {folder}/: {reason}")
                continue
            unknown = sorted(set(found) - set(listing.names))
            self._leave_out(unknown, f"images in {folder}/ whose class is not in the training split")
        if splits:
            inside_splits = tuple(f"{below}{folder}/" for folder in splits.values())
            self._leave_out((n for n in self._names if not n.startswith(inside_splits)), "images outside the splits")
        self._notes.append(self._class_note(classes))
        tested, validated = (f"{tests[name]}/" if name else "" for name in (test, validation))
        held_out = "no labelled test split: a tenth is held out, by a hash of each name"
        self._notes.append(f"tested on {tested}" if tested else held_out)
        self._notes.extend([validated_note(validated)] if validated else [])
        found_layout = self._layout(classes, train, listings.get(test, Listing()))
        return replace(found_layout, validation=listings.get(validation, Listing()), validated_on=validated)

    def _class_note(self, classes: tuple[str, ...]) -> str:
        shown = ", ".join(map(safe, classes)) if len(classes) <= 6 else f"{safe(classes[0])} … {safe(classes[-1])}"
        note = f"{len(classes):,} classes, one per folder: {shown}"
        if self._labels == "auto" and all(name.isdigit() for name in classes):
            note += "; if these are parts of one unlabelled set, give --labels none"
        return note

    def _leave_out(self, names: Iterable[str], reason: str) -> None:
        for name in names:
            self._left_out.add(reason, name)

    def _layout(self, classes: tuple[str, ...], train: Listing, test: Listing) -> Layout:
        storable = tuple(_storable(name) for name in classes)
        return Layout(self._root, storable, train, test, tuple(self._notes), self._left_out.sentences)


def _by_class(names: list[str], prefix: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        folder = top(name[len(prefix) :])
        if folder:
            found.setdefault(folder, []).append(name)
    return found


def _listing(by_class: dict[str, list[str]], classes: tuple[str, ...]) -> Listing:
    index = {name: label for label, name in enumerate(classes)}
    known = {name.casefold(): label for name, label in index.items()}
    pairs = sorted(
        (name, label)
        for folder, names in by_class.items()
        if (label := index.get(folder, known.get(folder.casefold(), -1))) >= 0
        for name in names
    )
    return Listing(tuple(name for name, _ in pairs), tuple(label for _, label in pairs))


def _storable(name: str) -> str:
    """Return a class name as valid UTF-8 text: bytes that are not UTF-8 are written as \\xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
