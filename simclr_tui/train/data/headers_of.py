"""Read the headers of very many files in several processes, with a digest that tells which ones may be equal."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np

from simclr_tui.errors import DataError
from simclr_tui.limits import usable_cores
from simclr_tui.recipe.image_headers import HEAD, Bytes, Header, parse_header
from simclr_tui.recipe.refusals import Refusal, refusal
from simclr_tui.store.process import end_with_parent
from simclr_tui.train.data.each import Progress
from simclr_tui.train.data.sources.files import FolderSource
from simclr_tui.train.data.sources.protocol import Source, survey

_CHUNK = 1000  # files a task
_LARGE = 100_000_000  # pixels


@dataclass(frozen=True, slots=True)
class Looked:
    """Hold what one look at an image told: its header (None: damaged), its size in bytes, a digest of its beginning.

    `file` is the device and inode number of its file, None where it is none: links to one file need one reading.
    """

    header: Header | None
    size: int
    digest: int
    refusal: Refusal | None = None
    file: tuple[int, int] | None = None


def look_at(source: Source, names: Sequence[str], progress: Progress) -> list[Looked]:
    """Look at every image, in order; files in as many processes as there are cores."""
    found: list[Looked] = []
    for part in _parts(source, names):
        found += part
        progress("reading headers", len(found), len(names))
    return found


def _parts(source: Source, names: Sequence[str]) -> Iterator[list[Looked]]:
    chunks = [names[at : at + _CHUNK] for at in range(0, len(names), _CHUNK)]
    if not isinstance(source, FolderSource) or len(chunks) < 2:
        yield from (_look(source, chunk) for chunk in chunks)
        return
    forked, ends = multiprocessing.get_context("fork"), (signal.SIGKILL, os.getpid())  # with a look that is cancelled
    with ProcessPoolExecutor(usable_cores(), forked, end_with_parent, ends) as pool:
        yield from pool.map(_look, repeat(FolderSource(source.root)), chunks)


def _look(source: Source, names: Sequence[str]) -> list[Looked]:
    return [_look_at_one(source, name) for name in names]


def _look_at_one(source: Source, name: str) -> Looked:
    size, digest, file = 0, 0, None
    try:
        image = source.image(name)
        if isinstance(image, np.ndarray):
            size, digest = image.nbytes, zlib.crc32(np.ascontiguousarray(image).tobytes())
            return Looked(survey(source, name), size, digest)
        read = Bytes(image)
        try:
            size, digest, header = read.size, zlib.crc32(read.head), parse_header(read)
            file = (read.status.st_dev, read.status.st_ino) if isinstance(image, Path) else None
        finally:
            read.close()
        if header is None or not header.plain or header.width * header.height > _LARGE:
            header = survey(source, name)  # which may refuse it
        return Looked(header, size, digest, file=file)
    except DataError as error:
        return Looked(None, size, digest, refusal(error, name))
    except Exception:
        return Looked(None, size, digest)


def equal_images(source: Source, names: Sequence[str], looks: Sequence[Looked]) -> list[list[str]]:
    """Return the groups of images that are equal to the byte; only what begins alike is read whole, each file once."""
    alike: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, look in enumerate(looks):
        if look.size:
            alike[look.size, look.digest].append(place)
    groups: list[list[str]] = []
    for (size, _), places in alike.items():
        if len(places) < 2:
            continue
        whole: dict[object, list[str]] = defaultdict(list)
        files = {looks[place].file for place in places}
        compared = size > HEAD and (len(files) > 1 or None in files)
        digests: dict[object, bytes] = {}
        for place in places:
            name, file = names[place], looks[place].file
            if compared and (file is None or file not in digests):
                digests[file] = _digest(source, name)
            whole[digests[file] if compared else None].append(name)
        groups += [equal for equal in whole.values() if len(equal) > 1]
    return groups


def _digest(source: Source, name: str) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    image = source.image(name)
    if isinstance(image, Path):
        with image.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    else:
        digest.update(image if isinstance(image, bytes) else np.ascontiguousarray(image).tobytes())
    return digest.digest()
