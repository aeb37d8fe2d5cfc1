"""How a folder of images is read: which images train, which test, and what their classes are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simclr_tui.errors import DataError
from simclr_tui.text import safe

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm")
TEST_NAMES = ("test", "val", "valid", "validation")


@dataclass(frozen=True)
class Listing:
    """Images by name, relative to the data folder and sorted, each with its class index (-1: unlabelled)."""

    names: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class FolderLayout:
    """Describe what a folder holds. `classes` is empty where the images are unlabelled; then `test` is, too."""

    root: Path
    train_dir: Path
    test_dir: Path | None
    classes: tuple[str, ...]
    train: Listing
    test: Listing

    @property
    def held_out(self) -> bool:
        """Return whether part of `train` has to serve as the test split."""
        return bool(self.classes) and not self.test


def folder_layout(path: Path) -> FolderLayout:
    """Read `path/class/…`, `path/train/class/…` with `path/test|val/class/…`, or plain unlabelled images.

    Two or more subfolders with images are classes; images beside them are left out. Anything else is
    unlabelled, taken with all that lies below. Test images of a class that training lacks are left out.
    Raises DataError where the folder cannot be read or holds no images.
    """
    try:
        layout = _layout(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{safe(str(path))} cannot be read: {reason}", "check the path and its permissions") from None
    if not layout.train:
        raise DataError(
            f"no images in {safe(str(path))}",
            "put images there, one folder per class or all in one: " + " ".join(s[1:] for s in IMAGE_SUFFIXES),
        )
    return layout


def _layout(path: Path) -> FolderLayout:
    train_dir, test_dir = _splits(path)
    by_class = _by_class(path, train_dir)
    classes = tuple(sorted(by_class))
    if len(classes) < 2:
        prefix = _prefix(path, train_dir)
        names = tuple(sorted(prefix + name for name in walk_images(train_dir)))
        return FolderLayout(path, train_dir, None, (), Listing(names, (-1,) * len(names)), Listing())
    test = _listing(_by_class(path, test_dir), classes) if test_dir else Listing()
    return FolderLayout(path, train_dir, test_dir if test else None, classes, _listing(by_class, classes), test)


def _splits(path: Path) -> tuple[Path, Path | None]:
    """`train` may also be a class of vehicle: it is a split only with classes inside or a test split beside it."""
    train = path / "train"
    test = next((path / name for name in TEST_NAMES if (path / name).is_dir()), None)
    if train.is_dir() and (test is not None or _subfolders(train)):
        return train, test
    return path, None


def _by_class(root: Path, split: Path) -> dict[str, list[str]]:
    """Image names relative to `root` for each subfolder of `split` that has any."""
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
    """Names of all images below `folder`, relative to it; hidden ones skipped, no folder visited twice."""
    return _walk(str(folder), "", set())


def _walk(folder: str, prefix: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    status = Path(folder).stat()
    if (status.st_dev, status.st_ino) in seen:  # a link back up, or to a sibling
        return
    seen.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as listing:
        entries = [entry for entry in listing if not entry.name.startswith(".")]
    for entry in entries:
        if entry.name.lower().endswith(IMAGE_SUFFIXES) and entry.is_file():
            yield prefix + entry.name
    for entry in sorted(entries, key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry.path, f"{prefix}{entry.name}/", seen)


def held_out(images: int) -> int:
    """How many of a class's images are held out for testing where a folder has no test split: a tenth."""
    return max(1, images // 10) if images > 1 else 0
