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
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from simclr_tui.errors import OutOfMemoryError
from simclr_tui.recipe.decoded import META, make_room
from simclr_tui.text import size
from simclr_tui.train.data import seal
from simclr_tui.train.data.images import Data, ImageSet
from simclr_tui.train.data.pixels import Pixels
from simclr_tui.train.data.scaling import Scaling
from simclr_tui.train.data.seal import checksum
from simclr_tui.train.data.whole_images import WholeImages, stored

FORMAT = 4
_KEEP_FREE = 1_000_000_000  # bytes left to checkpoints and logs

# (name, shape, type) -> an array to be filled.
Allocate = Callable[[str, tuple[int, ...], str], Pixels]
Build = Callable[[Allocate], Data]


def key(parts: Iterable[object]) -> str:
    """Digest of everything that the decoded images depend on."""
    digest = hashlib.blake2b(f"format {FORMAT}".encode(), digest_size=16)
    for part in parts:
        digest.update(b"\0" + str(part).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def cached(folder: Path, name: str, build: Build, *, about: str = "") -> Data:
    """Return the entry `name` of the cache at `folder`; where it is missing or damaged, `build` makes it.

    One process builds an entry while others wait for it. Only an entry that is whole is ever visible.
    `about` is what a list of entries calls it.
    """
    found = _load(folder / name)
    if found is not None:
        return found
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_locked(folder, name))
            return _load(folder / name) or _build_on_disk(folder, name, build, about=about)
        except OSError:  # read-only, full, a file in the way: train from memory
            return build(in_memory)


def load(folder: Path, name: str) -> Data | None:
    """Return the entry, or None where it is missing, of another format, or not what was written.

    Files of more than `seal.AT_ONCE` bytes are compared with their seals while the entry is used (`Data.check`).
    """
    return _load(folder / name)


def in_memory(name: str, shape: tuple[int, ...], dtype: str) -> Pixels:
    """Allocate outside the cache. Raises OutOfMemoryError."""
    try:
        array: Pixels = np.empty(shape, dtype)
    except MemoryError:
        needed = size(float(np.prod(shape, dtype=np.float64)) * np.dtype(dtype).itemsize)
        raise OutOfMemoryError(
            f"{shape[0]:,} images of {shape[-1]} px need {needed}, more than memory or the cache disk hold",
            "give a smaller --subset, or point SIMCLR_DATA at a larger disk",
        ) from None
    return array


@contextlib.contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.lock", "w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _build_on_disk(folder: Path, name: str, build: Build, *, about: str) -> Data:
    partial, final = folder / f"{name}.tmp", folder / name
    shutil.rmtree(partial, ignore_errors=True)  # of a build that was killed; the lock says nobody is at it
    partial.mkdir()
    try:
        data = build(lambda array, shape, dtype: _allocate(partial / f"{array}.npy", shape, dtype))
        _seal(partial, data, about)
        if final.exists():
            shutil.rmtree(final)
        partial.replace(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return _load(final) or data


def _allocate(file: Path, shape: tuple[int, ...], dtype: str) -> Pixels:
    """Return a writable map of a new file whose blocks are reserved: a disk that fills up later would kill the
    process."""
    needed = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if needed == 0:
        empty: Pixels = np.empty(shape, dtype)
        return empty
    make_room(file.parent.parent, needed, _KEEP_FREE)
    if shutil.disk_usage(file.parent).free < needed + _KEEP_FREE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
    array: np.memmap[Any, Any] = np.lib.format.open_memmap(file, "w+", np.dtype(dtype), shape)
    if hasattr(os, "posix_fallocate"):
        with open(file, "r+b") as handle:
            os.posix_fallocate(handle.fileno(), 0, array.offset + needed)
    return array


def _seal(folder: Path, data: Data, about: str) -> None:
    """Write labels and meta beside the pixels and bring all of it to the disk."""
    for split, images in _splits(data):
        pixels, shapes = stored(images.images)  # type: ignore[arg-type]
        if shapes is not None:
            np.save(folder / f"{split}_shapes.npy", shapes)
        if isinstance(pixels, np.memmap):
            pixels.flush()
        else:
            np.save(folder / f"{split}.npy", np.asarray(pixels))
        if images.labels is not None:
            np.save(folder / f"{split}_labels.npy", images.labels)
    meta: dict[str, Any] = {
        "format": FORMAT,
        "data": about,
        "classes": data.classes,
        "damaged": data.damaged,
        "scaling": None if data.scaling is None else asdict(data.scaling),
        "range_reason": data.range_reason,
        "notes": data.notes,
        "warnings": data.warnings,
        "files": {file.name: [file.stat().st_size, checksum(file)] for file in sorted(folder.glob("*.npy"))},
    }
    (folder / META).write_text(json.dumps({**meta, "seal": _seal_of(meta)}))
    for file in folder.iterdir():
        with open(file, "r+b") as handle:
            os.fsync(handle.fileno())


def _splits(data: Data) -> Iterator[tuple[str, ImageSet]]:
    yield "train", data.train
    if data.test is not None:
        yield "test", data.test
    if data.validation is not None:
        yield "validation", data.validation


def _seal_of(meta: dict[str, Any]) -> int:
    """Return the checksum of all else that the meta file says, class names included."""
    return zlib.crc32(json.dumps(meta, sort_keys=True).encode())


def _load(folder: Path) -> Data | None:
    try:
        meta = json.loads((folder / META).read_text())
        if meta.pop("seal") != _seal_of(meta):
            return None
        large = {}
        for file, (length, sealed) in meta["files"].items():
            if (folder / file).stat().st_size != length:
                return None
            if length > seal.AT_ONCE:
                large[file] = sealed
            elif checksum(folder / file) != sealed:
                return None
        train = _load_split(folder, "train")
        test, validation = (
            _load_split(folder, split) if f"{split}.npy" in meta["files"] else None for split in ("test", "validation")
        )
        os.utime(folder / META)  # when it was last used, for whoever frees the oldest
        scaling = meta["scaling"] and Scaling.from_json(meta["scaling"])
        return Data(
            train, test, tuple(meta["classes"]), tuple(meta["damaged"]), scaling=scaling,
            range_reason=meta["range_reason"], notes=tuple(meta["notes"]), warnings=tuple(meta["warnings"]),
            check=seal.BackgroundCheck(folder, large) if large else None, validation=validation,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        return None


def _load_split(folder: Path, split: str) -> ImageSet:
    # Copy-on-write: torch wraps only writable arrays without complaint, and no write would reach the file.
    images = np.load(folder / f"{split}.npy", mmap_mode="c", allow_pickle=False)
    labels = folder / f"{split}_labels.npy"
    known: npt.NDArray[np.int64] | None = np.load(labels, allow_pickle=False) if labels.exists() else None
    shapes = folder / f"{split}_shapes.npy"
    return ImageSet(WholeImages(images, np.load(shapes, allow_pickle=False)) if shapes.exists() else images, known)
