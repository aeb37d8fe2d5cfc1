"""Open a folder of images: list it, draw from it, decode once; replace and name damaged images."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from simclr_tui.recipe.folders import FolderLayout, Listing, folder_layout, held_out
from simclr_tui.train.data import decoded_cache
from simclr_tui.train.data.decode import decode, shorter_side
from simclr_tui.train.data.decode_pool import Decoders
from simclr_tui.train.data.header_cache import Headers, kept
from simclr_tui.train.data.images import Data, ImageSet, draw, hold_out
from simclr_tui.train.data.lazy_images import DAMAGED_LIMIT, DamagedImages, FileImages, too_many
from simclr_tui.train.data.memory_budget import fits
from simclr_tui.train.data.pixels import Labels, Pixels

_CHUNK = 64  # images a task
Progress = Callable[[str, int, int], None]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Split:
    """The images of one split that a run uses; names relative to the data folder, sorted."""

    names: tuple[str, ...]
    labels: Labels

    def take(self, index: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Split:
        return Split(tuple(self.names[i] for i in index), self.labels[index])


def open_folder(path: Path, image_size: int, subset: int, progress: Progress, cache_dir: Path) -> Data:
    """Decode `path` into one square size, or map what an earlier call decoded; a folder whose pixels do not fit into
    memory is left to be decoded image by image as they are asked for. The pixels are the same. Raises DataError.

    The stored side is the largest shorter side among the images, at most `side_cap`: images that share a
    size are kept pixel for pixel, larger ones keep enough for a random crop, and smaller ones are enlarged to
    the common side. What is not square keeps its central square.
    """
    layout = folder_layout(path)
    train, test = chosen(layout, subset)
    cap = side_cap(image_size)
    name = decoded_cache.key(
        ["folder", path.resolve(), cap, subset, *_fingerprint(path, train), "test", *_fingerprint(path, test)]
    )

    opener = _Opener(path, progress, cache_dir / f"{name}-damaged.txt", layout, train, test)
    if not (fits(opener.count, cap) or decoded_cache.has(cache_dir, name)):
        headers = kept(cache_dir / f"{name}-headers.json", lambda: opener.headers(cap))
        if not fits(opener.count, headers.side):
            return opener.undecoded(headers)
    return decoded_cache.cached(cache_dir, name, lambda allocate: opener.decoded(cap, allocate))


def side_cap(image_size: int) -> int:
    """The largest side stored, in px: 8/7 of a view, as ImageNet's 256 for 224, and 96 at least."""
    return max(96, round(image_size * 8 / 7))


def chosen(layout: FolderLayout, subset: int) -> tuple[Split, Split]:
    """The images to train on and to test on. Without a test split, a tenth of each class is held out."""
    train, test = _split(layout.train), _split(layout.test)
    if layout.held_out:
        held = {label: held_out(count) for label, count in Counter(layout.train.labels).items()}
        mask = hold_out(train.labels, held)
        train, test = train.take(np.flatnonzero(~mask)), train.take(np.flatnonzero(mask))
    return train.take(draw(train.labels, subset)), test.take(draw(test.labels, subset))


def _split(listing: Listing) -> Split:
    return Split(listing.names, np.asarray(listing.labels, np.int64))


def _fingerprint(root: Path, split: Split) -> list[str]:
    return [f"{name}\0{_stamp(root / name)}" for name in split.names]


def _stamp(file: Path) -> str:
    try:
        status = file.stat()
    except OSError:
        return "missing"
    return f"{status.st_size} {status.st_mtime_ns}"


@dataclass(frozen=True)
class _Opener:
    root: Path
    progress: Progress
    report: Path
    layout: FolderLayout
    train: Split
    test: Split

    @property
    def count(self) -> int:
        return len(self.train.names) + len(self.test.names)

    def headers(self, cap: int) -> Headers:
        names = self.train.names + self.test.names
        sides = self._each("reading image sizes", names, lambda _, file: _quietly(lambda: shorter_side(file)))
        damaged = tuple(sorted(name for name, side in zip(names, sides, strict=True) if side is None))
        return Headers(min(cap, max((side for side in sides if side is not None), default=1)), damaged)

    def decoded(self, cap: int, allocate: decoded_cache.Allocate) -> Data:
        train, test, side = self.train, self.test, self.headers(cap).side
        train_set, train_damaged = self._decode("train", train, side, allocate)
        test_set, test_damaged = self._decode("test", test, side, allocate)
        damaged = tuple(sorted(train_damaged + test_damaged))
        self._refuse_many(damaged)
        return self._data(
            _substitute(train_set, train, train_damaged), _substitute(test_set, test, test_damaged), damaged
        )

    def undecoded(self, headers: Headers) -> Data:
        """Left as files; those of which not even the header can be read are known to be damaged."""
        self._refuse_many(headers.damaged)
        decoders, damages = Decoders(self.root, headers.side), DamagedImages(self.count, headers.damaged)
        train, test = (
            ImageSet(FileImages.of(split.names, decoders, damages), split.labels) for split in (self.train, self.test)
        )
        return self._data(train, test, headers.damaged, damages)

    def _data(
        self, train: ImageSet, test: ImageSet, damaged: tuple[str, ...], damages: DamagedImages | None = None
    ) -> Data:
        if not self.layout.classes:
            return Data(ImageSet(train.images, None), None, (), damaged, damages)
        return Data(train, test, self.layout.classes, damaged, damages)

    def _decode(
        self, what: str, split: Split, side: int, allocate: decoded_cache.Allocate
    ) -> tuple[ImageSet, list[str]]:
        out = allocate(what, (len(split.names), 3, side, side))
        done = self._each(f"decoding {what} images", split.names, lambda i, file: _quietly(lambda: _into(out, i, file)))
        damaged = [name for name, written in zip(split.names, done, strict=True) if not written]
        return ImageSet(out, split.labels), damaged

    def _each(self, what: str, names: tuple[str, ...], task: Callable[[int, Path], Result]) -> list[Result]:
        """task(index, file) for each image, in threads: PIL lets go of the interpreter while it decodes."""

        def some(start: int) -> list[Result]:
            return [task(i, self.root / names[i]) for i in range(start, min(start + _CHUNK, len(names)))]

        results: list[Result] = []
        with ThreadPoolExecutor(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None) as pool:
            for part in pool.map(some, range(0, len(names), _CHUNK)):
                results += part
                self.progress(what, len(results), len(names))
        return results

    def _refuse_many(self, damaged: tuple[str, ...]) -> None:
        if len(damaged) > DAMAGED_LIMIT * self.count:
            raise too_many(damaged, self.count, self._written_down(damaged))

    def _written_down(self, damaged: tuple[str, ...]) -> str:
        """Write the whole list down and return a hint at it; an empty hint where it cannot be written."""
        try:
            self.report.parent.mkdir(parents=True, exist_ok=True)
            self.report.write_text("".join(f"{name}\n" for name in damaged), "utf-8", "surrogateescape")
        except OSError:
            return ""
        return f"; all are named in {self.report}"


def _into(out: Pixels, index: int, file: Path) -> bool:
    out[index] = decode(file, out.shape[-1])
    return True


def _quietly(read: Callable[[], Result]) -> Result | None:
    """None for a file that cannot be read: decoders raise all sorts of things, and each means a damaged image."""
    try:
        return read()
    except Exception:
        return None


def _substitute(images: ImageSet, split: Split, damaged: list[str]) -> ImageSet:
    """Put the nearest earlier good image, else the next one, and its label in the place of each damaged one."""
    if not damaged or images.labels is None:
        return images
    lost = set(damaged)
    assert isinstance(images.images, np.ndarray)
    bad = np.fromiter((name in lost for name in split.names), np.bool_)
    good = np.flatnonzero(~bad)
    labels = images.labels.copy()
    for index in np.flatnonzero(bad):
        source = good[max(0, int(np.searchsorted(good, index)) - 1)]
        images.images[index], labels[index] = images.images[source], images.labels[source]
    return ImageSet(images.images, labels)
