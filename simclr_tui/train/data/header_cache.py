"""Keep on disk what the headers of a folder's images say: a million of them take minutes to read."""

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
    """Return the headers kept in `file`, or those that `read` gives, kept there if possible."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        found = json.loads(file.read_text())
        return Headers(int(found["side"]), tuple(map(str, found["damaged"])))
    headers = read()
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, json.dumps(asdict(headers)).encode())
    return headers
