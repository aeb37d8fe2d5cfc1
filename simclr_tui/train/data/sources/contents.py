"""Tell images of a source from others that have the same names and sizes, by what their files hold."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simclr_tui.atomic import write_file
from simclr_tui.train.data.each import Progress, for_each
from simclr_tui.train.data.readers.protocol import File, Values, opened
from simclr_tui.train.data.sources.protocol import Source


@dataclass(frozen=True)
class Contents:
    """Digest images of `source`; each digest is kept in `file`, whose name changes when one of the images' files does
    (its size, or the time of its change)."""

    source: Source
    file: Path

    def digest(self, names: Sequence[str], progress: Progress) -> str:
        """Return a digest of what these images hold, whenever their files were written. Raises DataError.

        A damaged image is told by its damage alone.
        """
        asked, known = _digest_of(names), self._known()
        if asked not in known:
            found = for_each("reading held-out images", names, self._digest, progress=progress)
            known[asked] = _digest_of(found)
            with contextlib.suppress(OSError):
                self.file.parent.mkdir(parents=True, exist_ok=True)
                write_file(self.file, json.dumps(known).encode())
        return str(known[asked])

    def _digest(self, _: int, name: str) -> str:
        return image_digest(self.source.image(name))

    def _known(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self.file.read_text())
            return found if isinstance(found, dict) else {}
        return {}


def image_digest(image: File | Values) -> str:
    """Return a digest of an image: of its file, or of the type, shape and values of its array."""
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(image, np.ndarray):
        digest.update(f"{image.dtype} {image.shape} ".encode() + np.ascontiguousarray(image).tobytes())
        return digest.hexdigest()
    with opened(image) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _digest_of(words: Iterable[str | None]) -> str:
    return hashlib.blake2b(b"\0".join(os.fsencode(str(word)) for word in words), digest_size=16).hexdigest()
