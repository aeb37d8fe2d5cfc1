"""Read WebDataset shards: tar files of images, each with its label beside it under the same key."""

from __future__ import annotations

import glob
import json
import os
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

from simclr_tui.errors import DataError
from simclr_tui.recipe.data_sources import DataSource
from simclr_tui.recipe.image_kinds import KIND_OF_SUFFIX
from simclr_tui.recipe.layout import Layout, Listing
from simclr_tui.recipe.reading import Reading
from simclr_tui.text import safe
from simclr_tui.train.data.sources.files import file_stamp
from simclr_tui.train.data.sources.labels import to_classes

_LABEL_KEYS = ("label", "cls", "class")


@dataclass(frozen=True)
class _Place:
    shard: Path
    offset: int
    size: int


class TarSource:
    """Images of tar files, found by their place in the file; nothing is unpacked."""

    def __init__(self, source: DataSource) -> None:
        self._source = source
        self._places: dict[str, _Place] = {}
        self._labels: dict[str, str | int] = {}
        self._left_out = 0
        shards = expand(os.fspath(source.path))
        if not shards:
            raise DataError(
                f"no file matches {safe(source.where)}", "give --data tar:shard-{000..099}.tar or tar:*.tar"
            )
        for shard in shards:
            self._index(Path(shard))
        self._stamps = {shard: file_stamp(Path(shard)) for shard in shards}

    @property
    def spec(self) -> str:
        return self._source.absolute().text

    def stamp(self, name: str) -> str:
        place = self._places[name]
        return f"{place.size} {self._stamps[os.fspath(place.shard)]}"

    def image(self, name: str) -> bytes:
        place = self._places[name]
        with place.shard.open("rb") as file:
            file.seek(place.offset)
            return file.read(place.size)

    def layout(self, reading: Reading) -> Layout:
        names = tuple(self._places)
        if not names:
            raise DataError(f"{safe(self._source.where)} holds no images", "see the suffixes in simclr data --help")
        labels: tuple[int, ...] = (-1,) * len(names)
        classes: tuple[str, ...] = ()
        if self._labels and reading.labels != "none":
            given = [self._labels.get(name.rpartition(".")[0]) for name in names]
            classes, labels = to_classes(self._source.text, given)
        notes = [f"{len(classes):,} classes, of .cls or .json beside the images" if classes else "no labels"]
        if classes:
            notes.append("no test split: a tenth is held out, by a hash of each name")
        left = (f"left out: {self._left_out:,} files of other kinds",) if self._left_out else ()
        return Layout(self._source.path.parent, classes, Listing(names, labels), Listing(), tuple(notes), left)

    def _index(self, shard: Path) -> None:
        try:
            with tarfile.open(shard, "r:") as tar:
                size = shard.stat().st_size
                for member in tar:
                    if member.isfile():
                        if member.offset_data + member.size > size:
                            raise tarfile.ReadError("it ends in the middle of a file")
                        self._add(shard, tar, member)
        except (tarfile.TarError, OSError, ValueError, EOFError) as error:
            hint = (
                "unpack its compression first" if shard.suffix != ".tar" else "fetch it again: it is cut off or damaged"
            )
            raise DataError(f"{safe(str(shard))} cannot be read as a tar file: {error}", hint) from None

    def _add(self, shard: Path, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        folder, _, base = member.name.rpartition("/")
        key, _, extension = base.partition(".")
        name = f"{shard.stem}/{folder + '/' if folder else ''}{key}"
        suffix = f".{extension.lower()}".rpartition(".")
        if f".{suffix[2]}" in KIND_OF_SUFFIX:
            self._places[f"{name}.{extension}"] = _Place(shard, member.offset_data, member.size)
        elif extension == "cls":
            self._labels[name] = _content(tar, member).decode("utf-8", "backslashreplace").strip()
        elif extension == "json":
            found = json.loads(_content(tar, member))
            label = next((found[k] for k in _LABEL_KEYS if k in found), None) if isinstance(found, dict) else None
            if label is not None:
                self._labels[name] = label
        elif extension not in ("txt", "__key__"):
            self._left_out += 1


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return b"" if file is None else file.read()


def expand(pattern: str) -> list[str]:
    """Return the files of a pattern with * and {000..099}, sorted."""
    span = re.search(r"\{(\d+)\.\.(\d+)\}", pattern)
    if span:
        first, last = span.groups()
        parts = [f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1)]
        return [file for part in parts for file in expand(pattern[: span.start()] + part + pattern[span.end() :])]
    if Path(pattern).is_file():
        return [pattern]
    return sorted(glob.glob(pattern))  # noqa: PTH207
