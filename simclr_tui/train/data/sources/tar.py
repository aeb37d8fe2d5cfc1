"""Read WebDataset shards: tar files of images, each with its label beside it under the same key."""

from __future__ import annotations

import itertools
import json
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from simclr_tui.errors import DataError
from simclr_tui.recipe.data_sources import DataSource
from simclr_tui.recipe.file_content import refuse_other
from simclr_tui.recipe.image_kinds import KIND_OF_SUFFIX
from simclr_tui.recipe.image_walk import CLUTTER, LeftOut
from simclr_tui.recipe.layout import (
    TEST_NAMES,
    TRAIN_NAMES,
    Layout,
    Listing,
    test_and_validation,
    validated_note,
)
from simclr_tui.recipe.reading import Reading
from simclr_tui.recipe.refusals import Refusal, by_kind, joined
from simclr_tui.text import reason, safe
from simclr_tui.train.data.sources.files import file_stamp
from simclr_tui.train.data.sources.labels import ONE_CLASS, any_known, to_classes
from simclr_tui.train.data.sources.patterns import expand, split_of

_PACKED = (".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip")
_LABEL_KEYS = ("label", "cls", "class")


@dataclass(frozen=True)
class _Place:
    shard: Path
    offset: int
    size: int


@dataclass(frozen=True)
class _Shard:
    path: Path
    called: str
    split: str


class TarSource:
    """Give images of tar files, found by their place in the file; nothing is unpacked.

    A shard whose name or folder is that of a split (`train-000.tar`, `val/000.tar`) belongs to it.
    """

    def __init__(self, source: DataSource) -> None:
        self._source = source
        self._places: dict[str, _Place] = {}
        self._labels: dict[str, str | int] = {}
        self._left_out = LeftOut()
        self._splits: dict[str, list[str]] = {}
        shards = expand(os.fspath(source.path), inside="*.tar")
        if not shards:
            raise DataError(
                f"no file matches {safe(source.where)}", "give --data tar:shard-{000..099}.tar or tar:*.tar"
            )
        stems = {Path(shard).stem for shard in shards}
        self._refused: list[Refusal] = []
        for shard in map(Path, shards):
            try:
                self._index(shard, shard.stem if len(stems) == len(shards) else f"{shard.parent.name}/{shard.stem}")
            except DataError as error:
                self._refused.append(Refusal(os.fspath(shard), error.message, error.hint))
        if self._refused:
            raise joined(by_kind(self._refused), f"{safe(source.where)} is refused")
        self._keep_one_a_key()
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
        if not self._places:
            left_out = "".join(f"; {sentence}" for sentence in self._left_out.sentences)
            raise DataError(
                f"{safe(self._source.where)} holds no images{left_out}", "see the suffixes in simclr data --help"
            )
        if reading.labels == "folder":
            self._labels = {key: _folder_of(key) for key in map(_key_of, self._places)}
            if len(set(self._labels.values())) < 2:
                where = safe(self._source.where)
                raise DataError(f"{where} holds the images of one folder", "give --labels auto, or none")
        labelled = bool(self._labels) and reading.labels != "none"
        train, (test, validation), left = self._sides(labelled, reading)
        parts = [self._splits[train], *(self._splits[split] if split else [] for split in (test, validation))]
        names = tuple(name for part in parts for name in part)
        labels: tuple[int, ...] = (-1,) * len(names)
        classes: tuple[str, ...] = ()
        if labelled:
            classes, labels = to_classes(self._source.text, [self._label(name) for name in names])
        notes = [self._describe(classes, labelled, reading)]
        if classes:
            held_out = "no test split: a tenth is held out, by a hash of each name"
            notes.append(f"tested on the shards called {test}" if test else held_out)
        called = f"the shards called {validation}" if classes and validation else ""
        notes.extend([validated_note(called)] if called else [])
        ends = itertools.accumulate(map(len, parts), initial=0)
        first, second, third = (Listing(names[start:end], labels[start:end]) for start, end in itertools.pairwise(ends))
        left += self._left_out.sentences
        return Layout(
            self._source.path.parent, classes, first, second, tuple(notes), left,
            validation=third if called else Listing(), validated_on=called,
        )  # fmt: skip

    def _describe(self, classes: tuple[str, ...], labelled: bool, reading: Reading) -> str:
        """Return a sentence on where the classes are from, or what could be taken for them."""
        if classes:
            whence = "one per folder" if reading.labels == "folder" else "of .cls or .json beside the images"
            return f"{len(classes):,} classes, {whence}"
        if labelled and any_known(list(self._labels.values())):
            return ONE_CLASS
        folders = {_folder_of(_key_of(name)) for name in self._places} - {""}
        if len(folders) < 2 or reading.labels == "none":
            return "no labels"
        return f"no labels, no .cls or .json; --labels folder makes {len(folders):,} folders classes"

    def _sides(self, labelled: bool, reading: Reading) -> tuple[str, tuple[str, str], tuple[str, ...]]:
        """Return the split to train on, those to test and to validate on ('': none), and sentences about the others."""
        train = next((split for split in (*TRAIN_NAMES, "") if split in self._splits), "")
        if train not in self._splits:  # all of it is called a test split, and so is all that there is to train on
            train = next(iter(self._splits))
        tests = [split for split in TEST_NAMES if split in self._splits and split != train] if labelled else []
        test, validation = test_and_validation(
            [split for split in tests if any_known([self._label(name) for name in self._splits[split]])]
        )
        validation = validation if reading.validation else ""
        used = (train, test, validation)
        unused = {split: len(images) for split, images in self._splits.items() if split not in used}
        shown = ((safe(split) or "without a split's name", count) for split, count in unused.items())
        left = tuple(f"left out: {count:,} images of the shards called {split}" for split, count in shown)
        return train, (test, validation), left

    def _label(self, name: str) -> str | int | None:
        return self._labels.get(_key_of(name))

    def _index(self, shard: Path, called: str) -> None:
        split = split_of(shard)
        try:
            with tarfile.open(shard, "r:") as tar:
                size = shard.stat().st_size
                for member in tar:
                    if member.issym() or member.islnk():
                        self._left_out.add("links, which are not followed in archives", member.name)
                    elif member.isfile() and _is_clutter(member.name):
                        self._left_out.add("files created by the system", member.name)
                    elif member.isfile():
                        if member.offset_data + member.size > size:
                            raise tarfile.ReadError("it ends in the middle of a file")
                        self._add(_Shard(shard, called, split), tar, member)
                _check_end(tar)
        except (tarfile.TarError, OSError, ValueError, EOFError) as error:
            hint = "fetch it again: it is cut off or damaged"
            if shard.suffix in _PACKED:
                hint = "unpack its compression first: images are read by their place in a plain .tar"
            else:
                refuse_other(shard, "a tar archive")
            raise DataError(f"{safe(str(shard))} cannot be read as a tar file: {reason(error)}", hint) from None

    def _add(self, shard: _Shard, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        folder, _, base = member.name.rpartition("/")
        key, _, extension = base.partition(".")
        name = f"{shard.called}/{folder + '/' if folder else ''}{key}"
        suffix = f".{extension.lower()}".rpartition(".")
        if f".{suffix[2]}" in KIND_OF_SUFFIX:
            image = f"{name}.{extension}"
            if image in self._places:
                self._left_out.add("images that a later one of the same name replaces", member.name)
            else:
                self._splits.setdefault(shard.split, []).append(image)
            self._places[image] = _Place(shard.path, member.offset_data, member.size)
        elif (extension := extension.lower()) == "cls":
            self._labels[name] = _content(tar, member).decode("utf-8-sig", "backslashreplace").strip()
        elif extension == "json":
            try:
                found = json.loads(_content(tar, member))
            except ValueError as error:
                inside = f"{member.name} in {shard.path}"
                why = f"{safe(inside)} is no JSON: {reason(error)}"
                self._refused.append(Refusal(inside, why, "correct it, or leave it out"))
                return
            label = next((found[k] for k in _LABEL_KEYS if k in found), None) if isinstance(found, dict) else None
            if label is not None:
                self._labels[name] = label
        elif extension not in ("txt", "__key__"):
            self._left_out.add("files of other kinds", member.name)

    def _keep_one_a_key(self) -> None:
        """Leave out what a key has beside its image, such as the mask `0.seg.png` beside `0.png`."""
        plain = {_key_of(name) for name in self._places if _is_plain(name)}
        beside = [name for name in self._places if not _is_plain(name) and _key_of(name) in plain]
        for name in beside:
            del self._places[name]
            self._left_out.add("images beside another of the same key", name)
        if beside:
            self._splits = {split: [n for n in names if n in self._places] for split, names in self._splits.items()}


def _key_of(image: str) -> str:
    """Return the key of an image: its name up to the first point, as in WebDataset."""
    folder, _, base = image.rpartition("/")
    return f"{folder}/{base.partition('.')[0]}"


def _is_plain(image: str) -> bool:
    return image.rpartition("/")[2].count(".") == 1


def _folder_of(key: str) -> str:
    """Return the folder in the tar file that holds the files of a key; '' at the top."""
    return key.rpartition("/")[0].partition("/")[2].rpartition("/")[2]


def _is_clutter(name: str) -> bool:
    return any(part.startswith(".") or part.lower() in CLUTTER for part in PurePosixPath(name).parts)


def _check_end(tar: tarfile.TarFile) -> None:
    """Raise ReadError where the last member is not followed by the mark of an archive's end.

    At a header that is cut off or damaged `tarfile` stops as if the archive ended there.
    """
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    mark = tar.fileobj.read(tarfile.BLOCKSIZE)
    if mark != bytes(tarfile.BLOCKSIZE):
        is_cut = len(mark) < tarfile.BLOCKSIZE
        raise tarfile.ReadError("it ends without an end mark" if is_cut else "the header of a file in it is damaged")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return b"" if file is None else file.read()
