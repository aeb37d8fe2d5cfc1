"""Decoded images kept on disk, memory-mapped back. A cache that fails costs time, never a run."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simclr_tui.errors import OutOfMemoryError
from simclr_tui.text import size
from simclr_tui.train.data.images import Data, ImageSet
from simclr_tui.train.data.pixels import Pixels

FORMAT = 1
_META = "meta.json"
_KEEP_FREE = 1_000_000_000  # bytes left to checkpoints and logs
_CHECKSUM_UP_TO = 4_000_000_000  # bytes; reading more than this at every start would cost more than it saves

# (name, shape) -> an uint8 array to be filled.
Allocate = Callable[[str, tuple[int, ...]], Pixels]
Build = Callable[[Allocate], Data]


def key(parts: Iterable[object]) -> str:
    """Digest of everything that the decoded images depend on."""
    digest = hashlib.blake2b(f"format {FORMAT}".encode(), digest_size=16)
    for part in parts:
        digest.update(b"\0" + str(part).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def cached(folder: Path, name: str, build: Build) -> Data:
    """The entry `name` of the cache at `folder`; where it is missing or damaged, `build` makes it.

    One process builds an entry while others wait for it. Only an entry that is whole is ever visible.
    """
    found = _load(folder / name)
    if found is not None:
        return found
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_locked(folder, name))
            return _load(folder / name) or _build_on_disk(folder, name, build)
        except OSError:  # read-only, full, a file in the way: train from memory
            return build(in_memory)


def has(folder: Path, name: str) -> bool:
    """Return whether the entry exists, judged by its last file and not its content."""
    return (folder / name / _META).is_file()


def in_memory(name: str, shape: tuple[int, ...]) -> Pixels:
    """Allocate outside the cache."""
    try:
        return np.empty(shape, np.uint8)
    except MemoryError:
        needed = size(float(np.prod(shape, dtype=np.float64)))
        raise OutOfMemoryError(
            f"{shape[0]:,} images of {shape[-1]} px need {needed}, more than memory or the cache disk hold",
            "give a smaller --subset, or point SIMCLR_DATA at a larger disk",
        ) from None


@contextlib.contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.lock", "w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _build_on_disk(folder: Path, name: str, build: Build) -> Data:
    partial, final = folder / f"{name}.tmp", folder / name
    shutil.rmtree(partial, ignore_errors=True)  # of a build that was killed; the lock says nobody is at it
    partial.mkdir()
    try:
        data = build(lambda array, shape: _allocate(partial / f"{array}.npy", shape))
        _seal(partial, data)
        if final.exists():
            shutil.rmtree(final)
        partial.replace(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return _load(final) or data


def _allocate(file: Path, shape: tuple[int, ...]) -> Pixels:
    """A writable map of a new file whose blocks are reserved: a disk that fills up later would kill the process."""
    needed = int(np.prod(shape, dtype=np.int64))
    if needed == 0:
        return np.empty(shape, np.uint8)
    if shutil.disk_usage(file.parent).free < needed + _KEEP_FREE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
    array: np.memmap[Any, np.dtype[np.uint8]] = np.lib.format.open_memmap(file, "w+", np.uint8, shape)
    if hasattr(os, "posix_fallocate"):
        with open(file, "r+b") as handle:
            os.posix_fallocate(handle.fileno(), 0, array.offset + needed)
    return array


def _seal(folder: Path, data: Data) -> None:
    """Write labels and meta beside the pixels and bring all of it to the disk."""
    for split, images in _splits(data):
        if isinstance(images.images, np.memmap):
            images.images.flush()
        else:
            np.save(folder / f"{split}.npy", np.asarray(images.images))
        if images.labels is not None:
            np.save(folder / f"{split}_labels.npy", images.labels)
    files = {file.name: [file.stat().st_size, _checksum(file)] for file in sorted(folder.glob("*.npy"))}
    meta = {"format": FORMAT, "classes": data.classes, "damaged": data.damaged, "files": files}
    (folder / _META).write_text(json.dumps(meta))
    for file in folder.iterdir():
        with open(file, "r+b") as handle:
            os.fsync(handle.fileno())


def _splits(data: Data) -> Iterator[tuple[str, ImageSet]]:
    yield "train", data.train
    if data.test is not None:
        yield "test", data.test


def _load(folder: Path) -> Data | None:
    """The entry, or None where it is missing, of another format, or not what was written."""
    try:
        meta = json.loads((folder / _META).read_text())
        if not all(_intact(folder / file, *sealed) for file, sealed in meta["files"].items()):
            return None
        train = _load_split(folder, "train")
        test = _load_split(folder, "test") if "test.npy" in meta["files"] else None
        return Data(train, test, tuple(meta["classes"]), tuple(meta["damaged"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        return None


def _intact(file: Path, length: int, checksum: int | None) -> bool:
    return file.stat().st_size == length and _checksum(file) == checksum


def _checksum(file: Path) -> int | None:
    """CRC-32 of a file, None where it is too large to be read at every start."""
    if file.stat().st_size > _CHECKSUM_UP_TO:
        return None
    value = 0
    with open(file, "rb") as handle:
        while block := handle.read(1 << 22):
            value = zlib.crc32(block, value)
    return value


def _load_split(folder: Path, split: str) -> ImageSet:
    # Copy-on-write: torch wraps only writable arrays without complaint, and no write would reach the file.
    images = np.load(folder / f"{split}.npy", mmap_mode="c", allow_pickle=False)
    labels = folder / f"{split}_labels.npy"
    known: npt.NDArray[np.int64] | None = np.load(labels, allow_pickle=False) if labels.exists() else None
    return ImageSet(images, known)
