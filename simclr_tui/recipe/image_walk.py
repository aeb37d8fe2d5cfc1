"""Walk a folder to find its images, and record what is left out and why."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from simclr_tui.recipe.image_kinds import COMPANIONS, KIND_OF_SUFFIX, OTHER_FILES, ImageKind, kind_by_content
from simclr_tui.text import safe

CLUTTER = {
    "lost+found",
    "__macosx",
    "@eadir",
    "#recycle",
    "#snapshot",
    "@recycle",
    "@tmp",
    "$recycle.bin",
    "system volume information",
}
"""Folders that a file system, a NAS or an archiver creates; a NAS keeps thumbnails of every image in its own."""
_EXAMPLES = 3  # names kept for each reason


@dataclass
class LeftOut:
    """Count the files that are not used, by reason, and keep the first few names of each."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, name: str, count: int = 1) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + count
        examples = self.examples.setdefault(reason, [])
        if len(examples) < _EXAMPLES:
            examples.append(name)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return one sentence per reason: `left out: 3 .svs files, which cannot be read here: … (a.svs, …)`."""
        return tuple(
            f"left out: {count:,} {_inflected(reason, count)} ({', '.join(map(safe, self.examples[reason]))}"
            f"{', …' if count > len(self.examples[reason]) else ''})"
            for reason, count in self.counts.items()
        )


_SINGULAR = (
    *(
        ("folders", "folder"),
        ("files", "file"),
        ("images", "image"),
        ("links", "link"),
        ("rows", "row"),
        ("margins", "margin"),
        ("columns that are", "column that is"),
        ("arrays that are", "array that is"),
    ),
    *(
        (" hold ", " holds "),
        (" need ", " needs "),
        ("which are of", "which is of"),
        ("repeat ", "repeats "),
        ("convert them", "convert it"),
        ("are not followed", "is not followed"),
        *(("are not looked", "is not looked"), ("unpack them", "unpack it"), ("fetch them", "fetch it")),
    ),
)


def _inflected(reason: str, count: int) -> str:
    """Return a reason, which is written in the plural, in the singular if `count` is 1."""
    if count != 1:
        return reason
    for plural, singular in _SINGULAR:
        reason = reason.replace(plural, singular, 1)
    return reason


def walk(root: str, left_out: LeftOut) -> Iterator[str]:
    """Yield the names of all images below `root`, relative to it; no folder is visited twice. Raises OSError."""
    status = os.stat(root)  # noqa: PTH116
    yield from _walk(root, "", {(status.st_dev, status.st_ino)}, left_out=left_out)


def _walk(folder: str, prefix: str, seen: set[tuple[int, int]], *, left_out: LeftOut) -> Iterator[str]:
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        name = entry.name
        if name.startswith("."):  # hidden files, including the `._a.jpg` that macOS writes
            continue
        suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122
        if suffix in KIND_OF_SUFFIX:
            if _is(entry.is_file):
                if _is_read(KIND_OF_SUFFIX[suffix], prefix + name, left_out):
                    yield prefix + name
                continue
        elif suffix in OTHER_FILES and (suffix == ".zarr" or not _is(entry.is_dir)):
            left_out.add(f"{suffix} files, {OTHER_FILES[suffix]}", prefix + name)
            continue
        elif _is_nameless(name, suffix) and _is(entry.is_file):
            kind = kind_by_content(entry.path)
            if kind is not None and _is_read(kind, prefix + name, left_out):
                yield prefix + name
            continue
        if not _is(entry.is_dir):
            if suffix in KIND_OF_SUFFIX:
                what = "links to a file that is not there" if entry.is_symlink() else "special files such as pipes"
                left_out.add(what, prefix + name)
            elif _is_scan(entry, prefix + name, left_out):
                yield prefix + name
            continue
        if name.lower() in CLUTTER:
            left_out.add("folders created by the system", f"{prefix}{name}/")
            continue
        status = entry.stat()
        if (status.st_dev, status.st_ino) in seen:  # a link to a parent or a sibling
            left_out.add("links to a folder that was already read", f"{prefix}{name}/")
            continue
        seen.add((status.st_dev, status.st_ino))
        yield from _walk(entry.path, f"{prefix}{name}/", seen, left_out=left_out)


def _is_nameless(name: str, suffix: str) -> bool:
    """Return whether a file's name says no kind: `IM0001`, `1.2.840.113619.2.55`, as archives of scans call them."""
    return (not suffix or suffix[1:].isdigit()) and name.lower() != "dicomdir"  # their table of contents


def _is_scan(entry: os.DirEntry[str], name: str, left_out: LeftOut) -> bool:
    """Return whether a file of a suffix that is not known holds DICOM, as `.ima` does; if not, record it as left out.

    No other kind is taken by its content here: a backup or a thumbnail of an image would be the image once more.
    """
    suffix = suffix_of(name)
    if not suffix or suffix in COMPANIONS or not _is(entry.is_file):
        return False
    known = _SUFFIX.fullmatch(suffix) is not None
    reason = f"{suffix} files, which are of no kind that is read" if known else "files of other kinds"
    kind = kind_by_content(entry.path) if left_out.counts.get(reason, 0) < _MOST_LOOKED_INTO else None
    if kind is not None and kind.name == "DICOM":
        return _is_read(kind, name, left_out)
    left_out.add(reason, name)
    return False


_SUFFIX = re.compile(r"\.[a-z0-9_]{1,12}")  # what else follows a point is part of a name: `a.jpg?w=200`
_MOST_LOOKED_INTO = 100  # files of one suffix that are no scans, after which its others are taken for none either


def _is_read(kind: ImageKind, name: str, left_out: LeftOut) -> bool:
    """Return whether the library for a kind is there; if not, record the file as left out."""
    if not kind.readable:
        left_out.add(f"{kind.name} files, which need {kind.package}: {kind.remedy}", name)
    return kind.readable


def _is(what: Callable[[], bool]) -> bool:
    """Return whether an entry is a file or a folder, which a link that leads in a circle is not."""
    try:
        return what()
    except OSError:
        return False


def top(name: str) -> str:
    """Return the first folder of an image's name, or '' if it is not in one."""
    return name.split("/", 1)[0] if "/" in name else ""


def suffix_of(name: str) -> str:
    """Return the suffix of a name, in lower case."""
    return PurePath(name).suffix.lower()
