"""Resolve the values of `--data`: known data sets, folders of images, and `auto`."""

from __future__ import annotations

import os
import queue
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from simclr_tui.errors import DataError, StoreError
from simclr_tui.paths import expand_user
from simclr_tui.recipe import folders_0_1
from simclr_tui.recipe.csv_listing import csv_layout
from simclr_tui.recipe.data_sources import FORMS, check_source, parse_source
from simclr_tui.recipe.folders import folder_layout
from simclr_tui.recipe.hold_out import held_out
from simclr_tui.recipe.image_walk import LeftOut, walk
from simclr_tui.recipe.layout import Layout
from simclr_tui.recipe.reading import AS_0_1, DEFAULT_READING, Reading
from simclr_tui.recipe.split_counts import SplitCounts
from simclr_tui.text import did_you_mean, safe

FOLDER = "folder:"
DOWNLOAD_HOST = "www.cs.toronto.edu"  # where torchvision takes CIFAR-10 from
REACH_TIMEOUT = 3.0  # seconds


@dataclass(frozen=True)
class DatasetInfo:
    """Describe a data set known by name.

    `size` is the native side in px; the data set is on disk if every one of `files` is in `folder`.
    """

    name: str
    title: str
    train: int
    test: int
    classes: int
    size: int
    download_mb: int
    folder: str = ""
    files: tuple[str, ...] = ()


_CIFAR10 = (*(f"data_batch_{part}" for part in range(1, 6)), "test_batch", "batches.meta")
_STL10 = ("train_X.bin", "train_y.bin", "unlabeled_X.bin", "test_X.bin", "test_y.bin")

KNOWN: dict[str, DatasetInfo] = {
    info.name: info
    for info in (
        DatasetInfo("shapes", "Shapes (generated)", 10_000, 2_000, 10, 32, 0),
        DatasetInfo("cifar10", "CIFAR-10", 50_000, 10_000, 10, 32, 170, "cifar-10-batches-py", _CIFAR10),
        DatasetInfo(
            "cifar100", "CIFAR-100", 50_000, 10_000, 100, 32, 169, "cifar-100-python", ("train", "test", "meta")
        ),
        DatasetInfo("stl10", "STL-10", 105_000, 8_000, 10, 96, 2640, "stl10_binary", _STL10),
    )
}


def data_root() -> Path:
    """Return the folder of data sets and decoded images: $SIMCLR_DATA, or simclr-tui in the user's cache folder."""
    given = os.environ.get("SIMCLR_DATA")
    if given:
        return expand_user(given)
    return expand_user(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "simclr-tui"


def on_disk(name: str) -> bool:
    """Return whether a known data set is on disk. Its files are looked for, but not read."""
    info = KNOWN[name]
    folder = data_root() / info.folder
    return all(_size(folder / file) > 0 for file in info.files)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def folder_of(data: str) -> Path | None:
    """Return the path in `folder:PATH` with `~` expanded, or None if `data` is no folder.

    Raises DataError if there is no home folder to expand `~` with.
    """
    if not data.startswith(FOLDER):
        return None
    try:
        return expand_user(data.removeprefix(FOLDER))
    except StoreError:
        raise DataError(f"no home folder for {safe(data.removeprefix(FOLDER))}", "give the full path") from None


def check_data(data: str, reading: Reading = DEFAULT_READING) -> None:
    """Raise DataError if `data` cannot be trained on. The check is cheap: a folder is read up to its first image."""
    source = None if data in (FOLDER,) else parse_source(data)
    folder = folder_of(data)
    if folder is not None:
        _check_folder(data, folder, reading)
    elif source is not None:
        check_source(source)
    elif data != "auto" and data not in KNOWN:
        raise DataError(f"no data set {safe(data)!r}", _suggest(data))


def absolute(data: str) -> str:
    """Return `data` with absolute paths, so that it means the same in any working directory."""
    source = parse_source(data)
    return data if source is None else source.absolute().text


def _suggest(data: str) -> str:
    names = ["auto", *KNOWN]
    if _is_dir(Path(data)):
        return f"for a folder of images, give {FOLDER}{safe(data)}"
    suffix = Path(data).suffix.lower().removeprefix(".")
    if suffix in ("csv", "npy", "npz", "h5", "tar", "parquet") and _exists(Path(data)):
        return f"for this file, give {suffix}:{safe(data)}"
    guess = did_you_mean(data, names)
    return f"{guess} choose from {', '.join(names)}, or {FORMS}".strip()


def _check_folder(data: str, folder: Path, reading: Reading) -> None:
    shown = safe(str(folder))
    if data == FOLDER:
        raise DataError(f"{FOLDER} needs a path", f"give --data {FOLDER}PATH")
    if not _is_dir(folder):
        problem = "is not a folder" if _exists(folder) else "does not exist"
        raise DataError(f"{shown} {problem}", f"give --data {FOLDER}PATH, a folder of images")
    try:
        empty = next(walk(os.fspath(folder), LeftOut()), None) is None
    except OSError:
        empty = True  # folder_layout reports which part cannot be read
    if empty or reading.labels == "folder":
        folder_layout(folder, reading)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def listed(data: str, reading: Reading = DEFAULT_READING) -> Layout | None:
    """Return the images, classes and splits of a folder or a table; None for any other data. Raises DataError."""
    folder = folder_of(data)
    if folder is not None:
        return folder_layout(folder, reading)
    source = parse_source(data)
    if source is not None and source.kind.prefix == "csv":
        check_source(source)
        return csv_layout(source.path, reading)
    return None


def is_described_late(data: str, reading: Reading) -> bool:
    """Return whether only the trainer finds out how many images, splits and classes a user's own data has."""
    source = parse_source(data)
    listed_before = folder_of(data) is not None or (source is not None and source.kind.prefix == "csv")
    return reading.tiles is not None if listed_before else source is not None


def describe(data: str, subset: int, reading: Reading = DEFAULT_READING) -> tuple[int | None, tuple[str, ...]]:
    """Return the number of training images, as `count_images` does, and sentences that describe the data.

    The sentences tell the number of images in each split, the classes, the splits and what is left out. Raises
    DataError.
    """
    layout = listed(data, reading)
    if layout is None or reading.tiles:
        return count_images(data, subset, reading), ()
    counts = _counts(layout, reading).drawn(subset)
    return counts.train, (counts.words, *layout.notes, *layout.left_out)


def count_images(data: str, subset: int, reading: Reading = DEFAULT_READING) -> int | None:
    """Return the number of training images, at most `subset` (0: all), or None if counting would need the data read."""
    try:
        total = _count(data, reading)
    except DataError:
        return None
    if total is None:
        return None
    return min(subset, total) if subset else total


def _count(data: str, reading: Reading) -> int | None:
    if reading.tiles:
        return None
    layout = listed(data, reading)
    if layout is not None:
        return _counts(layout, reading).train
    if data == "auto":
        return KNOWN["cifar10"].train if on_disk("cifar10") else None
    return KNOWN[data].train if data in KNOWN else None


def _counts(layout: Layout, reading: Reading) -> SplitCounts:
    """Return the number of images in each split, which no image has to be read for."""
    test = _held_out(layout, reading) if layout.held_out else len(layout.test)
    train = len(layout.train) - (test if layout.held_out else 0)
    return SplitCounts(train, test, len(layout.validation), layout.held_out)


def _held_out(layout: Layout, reading: Reading) -> int:
    train = layout.train
    if reading.split == AS_0_1:
        return sum(map(folders_0_1.held_out, Counter(train.labels).values()))
    return sum(held_out(train.names, train.labels, train.groups))


def resolve_auto() -> tuple[str, str]:
    """Return the data set that `auto` stands for now, and why.

    It is CIFAR-10 if that is on disk or can be downloaded, and generated shapes otherwise.
    """
    if on_disk("cifar10"):
        return "cifar10", f"CIFAR-10 is in {data_root()}."
    if offline():
        return "shapes", "CIFAR-10 is not on disk and SIMCLR_OFFLINE is set, so images are generated."
    if reachable(DOWNLOAD_HOST, 443):
        return "cifar10", f"CIFAR-10 will be downloaded once, {KNOWN['cifar10'].download_mb} MB, into {data_root()}."
    return "shapes", f"CIFAR-10 is not on disk and {DOWNLOAD_HOST} cannot be reached, so images are generated."


def offline() -> bool:
    """Return whether SIMCLR_OFFLINE forbids downloads."""
    return os.environ.get("SIMCLR_OFFLINE", "") not in ("", "0")


def reachable(host: str, port: int) -> bool:
    """Return whether a TCP connection succeeds, tried in a thread because the resolver has no timeout."""
    answer: queue.Queue[bool] = queue.Queue()
    threading.Thread(target=lambda: answer.put(_connects(host, port)), daemon=True).start()
    try:
        return answer.get(timeout=REACH_TIMEOUT)
    except queue.Empty:
        return False


def _connects(host: str, port: int) -> bool:
    import socket  # takes 5 ms, and only `auto` needs it

    try:
        with socket.create_connection((host, port), timeout=REACH_TIMEOUT):
            return True
    except OSError:
        return False
