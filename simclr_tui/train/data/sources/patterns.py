"""Find the files that a pattern names, and the split that a file's name means."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

from simclr_tui.recipe.layout import TEST_NAMES, TRAIN_NAMES


def split_of(file: Path) -> str:
    """Return the split that a word of the file's name means, else its folder's name; '' where neither names one."""
    for words in (re.split(r"[^a-z]+", file.stem.lower()), [file.parent.name.lower()]):
        found = [word for word in words if word in (*TRAIN_NAMES, *TEST_NAMES)]
        if found:
            return found[0]
    return ""


def expand(pattern: str, *, inside: str) -> list[str]:
    """Return the files of a pattern with *, **, {000..099} and {train,val}, in the order of its braces, else sorted.

    Of a folder, return the files in it that match `inside`, such as `*.tar`.
    """
    if Path(pattern).is_dir():
        return sorted(os.fspath(file) for file in Path(pattern).glob(inside) if file.is_file())
    return _expanded(pattern)


def _expanded(pattern: str) -> list[str]:
    span = re.search(r"\{(\d+)\.\.(\d+)\}", pattern)
    if span:
        first, last = span.groups()
        parts = [f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1)]
        return [file for part in parts for file in _expanded(pattern[: span.start()] + part + pattern[span.end() :])]
    listed = re.search(r"\{([^{}]*,[^{}]*)\}", pattern)
    if listed and not Path(pattern).is_file():
        parts = listed[1].split(",")
        return [
            file for part in parts for file in _expanded(pattern[: listed.start()] + part + pattern[listed.end() :])
        ]
    if Path(pattern).is_file():
        return [pattern]
    pattern = os.fspath(Path(pattern))
    folder = next((parent for parent in Path(pattern).parents if parent.is_dir()), Path())
    if folder != Path():  # what is there is meant by its name, even with brackets in it
        pattern = glob.escape(os.fspath(folder)) + pattern[len(os.fspath(folder)) :]
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207
