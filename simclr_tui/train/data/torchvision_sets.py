"""CIFAR-10, CIFAR-100 and STL-10, as torchvision downloads, checks and reads them."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import tarfile
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from simclr_tui.errors import DataError
from simclr_tui.recipe.datasets import KNOWN, data_root, offline, on_disk
from simclr_tui.train.data import decoded_cache
from simclr_tui.train.data.each import Progress
from simclr_tui.train.data.images import Data, ImageSet, draw
from simclr_tui.train.data.pixels import Labels
from simclr_tui.train.model.torchvision_import import import_torchvision

torchvision: Any = import_torchvision()

_STALLED = 60.0  # seconds without a byte after which a download has failed
_COPY = 1024  # images at a time
_SETS: dict[str, Any] = {
    "cifar10": torchvision.datasets.CIFAR10,
    "cifar100": torchvision.datasets.CIFAR100,
    "stl10": torchvision.datasets.STL10,
}


def open_known(name: str, subset: int, progress: Progress, *, cache_dir: Path) -> Data:
    """Return a known data set from `data_root()`, downloaded where it is absent. Raises DataError.

    STL-10 trains on its 5,000 labelled and 100,000 unlabelled images; the latter have label -1.
    """
    root = data_root()
    if not on_disk(name):
        download(name, root, progress)
    entry = decoded_cache.key([name, subset, *_fingerprint(name, root)])
    return decoded_cache.cached(
        cache_dir, entry, lambda allocate: _read(name, root, subset, progress=progress, allocate=allocate), about=name
    )


def _fingerprint(name: str, root: Path) -> list[str]:
    info = KNOWN[name]
    stats = [(file, (root / info.folder / file).stat()) for file in info.files]
    return [f"{file} {stat.st_size} {stat.st_mtime_ns}" for file, stat in stats]


def download(name: str, root: Path, progress: Progress) -> None:
    """Fetch and unpack `name` into `root`, by one process at a time. Raises DataError saying what to do instead."""
    kind = _SETS[name]
    if offline() and not (root / kind.filename).is_file():
        raise _unavailable(name, root, "SIMCLR_OFFLINE is set")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root / f"{name}.lock"), _reported(f"downloading {KNOWN[name].title}", progress):
            kind(root, **_split(name, "test"), download=True)
    except (OSError, RuntimeError, HTTPException, tarfile.TarError, EOFError) as error:
        raise _unavailable(name, root, str(getattr(error, "reason", error)).rstrip(".")) from error


def _unavailable(name: str, root: Path, reason: str) -> DataError:
    archive = _SETS[name].filename
    return DataError(
        f"{KNOWN[name].title} is not in {root} and cannot be downloaded: {reason}",
        f"put {archive} there, or give --data shapes or --data folder:PATH",
    )


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    with open(file, "w") as handle:
        fcntl.lockf(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _reported(what: str, progress: Progress) -> Iterator[None]:
    """torchvision offers no hook for progress, so its bar is exchanged while it downloads."""
    utils = torchvision.datasets.utils
    bar, timeout = utils.tqdm, socket.getdefaulttimeout()
    utils.tqdm = lambda total=None, **_: _Bar(what, total or 0, progress)
    socket.setdefaulttimeout(_STALLED)
    try:
        yield
    finally:
        utils.tqdm = bar
        socket.setdefaulttimeout(timeout)


class _Bar:
    """Stand in for the part of tqdm that torchvision uses. Reports bytes, about two hundred times in all."""

    def __init__(self, what: str, total: int, progress: Progress) -> None:
        self.what, self.total, self.progress = what, total, progress
        self.done = self.reported = 0

    def __enter__(self) -> _Bar:
        self.progress(self.what, 0, self.total)
        return self

    def update(self, count: int) -> None:
        self.done += count
        if self.done - self.reported >= self.total / 200:
            self.reported = self.done
            self.progress(self.what, self.done, self.total)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.progress(self.what, self.done, self.total)


def _read(name: str, root: Path, subset: int, *, progress: Progress, allocate: decoded_cache.Allocate) -> Data:
    try:
        train, classes = _read_split(name, root, "train", subset=subset, progress=progress, allocate=allocate)
        test, _ = _read_split(name, root, "test", subset=subset, progress=progress, allocate=allocate)
    except RuntimeError as error:  # torchvision's word for a checksum that does not fit
        raise DataError(
            f"{KNOWN[name].title} in {root} is incomplete or damaged",
            f"delete {root / KNOWN[name].folder} and run `simclr data get {name}`",
        ) from error
    return Data(train, test, classes)


def _read_split(
    name: str, root: Path, split: str, *, subset: int, progress: Progress, allocate: decoded_cache.Allocate
) -> tuple[ImageSet, tuple[str, ...]]:
    parts = [_SETS[name](root, **kwargs) for kwargs in _parts(name, split)]
    labels = np.concatenate([_labels(part) for part in parts])
    index = draw(labels, subset)
    side = KNOWN[name].size
    out = allocate(split, (len(index), 3, side, side), "uint8")
    first = 0
    for part in parts:
        inside = (index >= first) & (index < first + len(part))
        _copy(part, index[inside] - first, out, at=int(np.flatnonzero(inside)[0]) if inside.any() else 0)
        first += len(part)
        progress(f"reading {KNOWN[name].title}", first, len(labels))
    return ImageSet(out, labels[index]), tuple(getattr(parts[0], "classes", ()))


def _parts(name: str, split: str) -> list[dict[str, Any]]:
    """STL-10's two halves are read one by one: joined by torchvision they would be in memory twice."""
    if name == "stl10" and split == "train":
        return [{"split": "train"}, {"split": "unlabeled"}]
    return [_split(name, split)]


def _split(name: str, split: str) -> dict[str, Any]:
    return {"split": split} if name == "stl10" else {"train": split == "train"}


def _labels(part: Any) -> Labels:
    """STL-10 keeps labels as uint8 and CIFAR as a list."""
    return np.asarray(part.labels if hasattr(part, "labels") else part.targets).astype(np.int64)


def _copy(part: Any, index: np.ndarray[Any, Any], out: np.ndarray[Any, Any], *, at: int) -> None:
    """Copy images `index` of a torchvision set into out[at:], channels first."""
    for start in range(0, len(index), _COPY):
        images = part.data[index[start : start + _COPY]]
        channels_first = images if images.shape[1] == 3 else images.transpose(0, 3, 1, 2)
        out[at + start : at + start + len(images)] = channels_first
