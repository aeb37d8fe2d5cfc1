"""Complete paths as they are typed."""

from __future__ import annotations

from pathlib import Path


def complete_path(text: str) -> list[str]:
    """Return the folders and files that begin with `text`; a folder ends in a slash."""
    head, slash, start = text.rpartition("/")
    try:
        folder = Path(f"{head}{slash}" or ".").expanduser()
        found = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir() if entry.name.startswith(start))
    except (OSError, RuntimeError, ValueError):
        return []
    return [f"{head}{slash}{name}" for name in found[:20]]
