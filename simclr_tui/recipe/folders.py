"""Read a folder of images as people mean it: which images train, which test, and what their classes are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from simclr_tui.errors import DataError
from simclr_tui.recipe import folders_0_1
from simclr_tui.recipe.image_kinds import IMAGE_SUFFIXES
from simclr_tui.recipe.image_walk import LeftOut, top, walk
from simclr_tui.recipe.layout import Layout, Listing
from simclr_tui.recipe.reading import AS_0_1, DEFAULT_READING, Reading
from simclr_tui.text import safe

TRAIN_NAMES = ("train", "training")
TEST_NAMES = ("test", "testing", "val", "valid", "validation", "eval", "evaluation", "dev")
"""Names of splits, whatever their case; of several labelled test splits the first in this order is taken."""


def folder_layout(path: Path, reading: Reading = DEFAULT_READING) -> Layout:
    """Read `path/class/…`, `path/train/class/…` with `path/test/class/…`, or plain unlabelled images.

    Two or more subfolders with images are classes; images beside them are left out. Anything else is unlabelled,
    taken with all that lies below. `reading.labels` overrules: `none` takes no folder for a class, `folder` every
    one. Raises DataError where the folder cannot be read, holds no images, or `--labels folder` finds one class.
    """
    try:
        layout = folders_0_1.layout(path) if reading.split == AS_0_1 else _Folder(path, reading.labels).layout()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        where = safe(os.fsdecode(error.filename or path))
        raise DataError(f"{where} cannot be read: {reason}", "check the path and its permissions") from None
    if not layout.train:
        raise DataError(
            f"no images in {safe(str(path))}" + "".join(f"; {sentence}" for sentence in layout.left_out),
            "put images there, one folder per class or all in one: " + " ".join(s[1:] for s in IMAGE_SUFFIXES),
        )
    return layout


class _Folder:
    def __init__(self, root: Path, labels: str) -> None:
        self._root, self._labels = root, labels
        self._left_out, self._notes = LeftOut(), list[str]()
        self._names = sorted(walk(os.fspath(root), self._left_out))

    def layout(self) -> Layout:
        below = self._wrapper()
        splits = self._splits(below)
        train = splits.get("train")
        taken = self._names if train is None else self._under(f"{below}{train}/")
        prefix = below if train is None else f"{below}{train}/"
        by_class = _by_class(taken, prefix)
        if self._labels == "none" or (self._labels == "auto" and len(by_class) < 2):
            return self._unlabelled(taken, splits, by_class)
        if len(by_class) < 2:
            raise DataError(
                f"--labels folder: {safe(str(self._root))} has {len(by_class) or 'no'} class folder",
                "put the images of each class into a folder of its own, or give --labels auto",
            )
        return self._labelled(taken, prefix, by_class, splits, below)

    def _wrapper(self) -> str:
        """Return the folder, if all images lie in that one and it is not a split: what an archive unpacks into."""
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
        """Return the folder of each split: `train`, and those to test on in the order of TEST_NAMES.

        `train` may also be a class of vehicle: it is a split only with classes inside or a test split beside it.
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

    def _unlabelled(self, taken: list[str], splits: dict[str, str], by_class: dict[str, list[str]]) -> Layout:
        if self._labels == "none" and by_class:
            self._notes.append(f"no labels, as --labels none says: {len(by_class):,} folders are not taken for classes")
        if splits:
            self._leave(set(self._names) - set(taken), "images outside the training split, which has no classes")
        names = tuple(taken)
        return self._done((), Listing(names, (-1,) * len(names)), Listing())

    def _labelled(
        self, taken: list[str], prefix: str, by_class: dict[str, list[str]], splits: dict[str, str], below: str
    ) -> Layout:
        classes = tuple(sorted(by_class))
        train = _listing(by_class, classes)
        self._leave((name for name in taken if not top(name[len(prefix) :])), "images beside the class folders")
        test, used = Listing(), ""
        for name, folder in splits.items():
            if name == "train":
                continue
            inside = f"{below}{folder}/"
            found = self._under(inside)
            candidates = _by_class(found, inside)
            listing = _listing(candidates, classes)
            if test or not listing:
                why = f"{used}/ is the test split" if test else "none lies in a class folder of the training split"
                self._leave(found, f"images in {folder}/: {why}")
                continue
            test, used = listing, folder
            self._leave(sorted(set(found) - set(listing.names)), f"images in {folder}/ of no class that training has")
        if splits:
            inside_splits = tuple(f"{below}{folder}/" for folder in splits.values())
            self._leave((n for n in self._names if not n.startswith(inside_splits)), "images outside the splits")
        self._notes.append(self._class_note(classes))
        where = f"tested on {used}/" if test else "no labelled test split: a tenth is held out, by a hash of each name"
        self._notes.append(where)
        return self._done(classes, train, test)

    def _class_note(self, classes: tuple[str, ...]) -> str:
        shown = ", ".join(map(safe, classes)) if len(classes) <= 6 else f"{safe(classes[0])} … {safe(classes[-1])}"
        note = f"{len(classes):,} classes, one a folder: {shown}"
        if self._labels == "auto" and all(name.isdigit() for name in classes):
            note += "; if these are parts of one unlabelled set, give --labels none"
        return note

    def _leave(self, names: Iterable[str], reason: str) -> None:
        for name in names:
            self._left_out.add(reason, name)

    def _done(self, classes: tuple[str, ...], train: Listing, test: Listing) -> Layout:
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
    """Return a class's name as text that any file can hold: bytes that are not UTF-8 are written as \\xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
