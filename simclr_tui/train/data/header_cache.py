"""What the headers of a folder's images say, kept on disk: a million of them take minutes to read."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from simclr_tui.atomic import write_file


@dataclass(frozen=True)
class Headers:
    """The common side of all images in px, and the names of those whose header cannot be read."""

    side: int
    damaged: tuple[str, ...]


def kept(file: Path, read: Callable[[], Headers]) -> Headers:
    """From `file`; where that is missing or damaged, read and, if possible, written there."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        found = json.loads(file.read_text())
        return Headers(int(found["side"]), tuple(map(str, found["damaged"])))
    headers = read()
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, json.dumps(asdict(headers)).encode())
    return headers
