"""Recognise the name of an encoder that was trained elsewhere: a file, torchvision:NAME or timm:NAME."""

from __future__ import annotations

import re
from pathlib import Path

LIBRARIES = ("torchvision", "timm")
SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".tar", ".bin")
_LIBRARY = re.compile(rf"({'|'.join(LIBRARIES)}):([A-Za-z0-9_.]+)")


def library_of(source: str) -> tuple[str, str] | None:
    """Return the library and the model in `torchvision:NAME` or `timm:NAME`, or None if the source is neither."""
    found = _LIBRARY.fullmatch(source)
    return (found[1], found[2]) if found else None


def is_encoder_source(word: str) -> bool:
    """Return whether a word names an encoder from elsewhere rather than a run."""
    return library_of(word) is not None or word.startswith("timm:") or Path(word).suffix in SUFFIXES or _is_file(word)


def _is_file(word: str) -> bool:
    try:
        return Path(word).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False
