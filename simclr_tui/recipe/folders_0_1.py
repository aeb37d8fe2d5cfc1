"""Read a folder of images as version 0.1 did, so that runs started under it keep their classes and splits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from simclr_tui.recipe.image_kinds import SUFFIXES_0_1
from simclr_tui.recipe.layout import Layout, Listing

TEST_NAMES = ("test", "val", "valid", "validation")


def layout(path: Path) -> Layout:
    """Return the folder's layout by the rules of version 0.1. Raises OSError."""
    train_dir, test_dir = _splits(path)
    by_class = _by_class(path, train_dir)
    classes = tuple(sorted(by_class))
    if len(classes) < 2:
        prefix = _prefix(path, train_dir)
        names = tuple(sorted(prefix + name for name in walk_images(train_dir)))
        return Layout(path, (), Listing(names, (-1,) * len(names)), Listing())
    test = _listing(_by_class(path, test_dir), classes) if test_dir else Listing()
    return Layout(path, classes, _listing(by_class, classes), test)


def _splits(path: Path) -> tuple[Path, Path | None]:
    """Return the training folder and the test folder, if there is one."""
    train = path / "train"
    # A folder `train` may also be a class of vehicle: it is a split only with classes inside or a test split beside it.
    test = next((path / name for name in TEST_NAMES if (path / name).is_dir()), None)
    if train.is_dir() and (test is not None or _subfolders(train)):
        return train, test
    return path, None


def _by_class(root: Path, split: Path) -> dict[str, list[str]]:
    """Return the image names, relative to `root`, in each subfolder of `split` that has any."""
    prefix = _prefix(root, split)
    found = {
        folder: [f"{prefix}{folder}/{name}" for name in walk_images(split / folder)] for folder in _subfolders(split)
    }
    return {folder: names for folder, names in found.items() if names}


def _listing(by_class: dict[str, list[str]], classes: tuple[str, ...]) -> Listing:
    index = {name: label for label, name in enumerate(classes)}
    pairs = sorted((name, index[folder]) for folder, names in by_class.items() if folder in index for name in names)
    return Listing(tuple(name for name, _ in pairs), tuple(label for _, label in pairs))


def _prefix(root: Path, split: Path) -> str:
    return "" if split == root else f"{split.name}/"


def _subfolders(path: Path) -> list[str]:
    with os.scandir(path) as entries:
        return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())


def walk_images(folder: Path) -> Iterator[str]:
    """Yield the names of all images below `folder`, relative to it, without hidden ones; no folder is visited twice."""
    return _walk(str(folder), "", set())


def _walk(folder: str, prefix: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    status = Path(folder).stat()
    if (status.st_dev, status.st_ino) in seen:  # a link back up, or to a sibling
        return
    seen.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as listing:
        entries = [entry for entry in listing if not entry.name.startswith(".")]
    for entry in entries:
        if entry.name.lower().endswith(SUFFIXES_0_1) and entry.is_file():
            yield prefix + entry.name
    for entry in sorted(entries, key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry.path, f"{prefix}{entry.name}/", seen)


def held_out(images: int) -> int:
    """Return how many images of a class are held out if a folder has no test split: a tenth, and at least one."""
    return max(1, images // 10) if images > 1 else 0
