"""Declare the sources that `--data` can name by a prefix (`csv:plates.csv`), and the library that each one needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simclr_tui.errors import DataError, StoreError
from simclr_tui.interpreter import extra_command
from simclr_tui.paths import expand_user
from simclr_tui.recipe.image_kinds import installed
from simclr_tui.text import safe


@dataclass(frozen=True)
class SourceKind:
    """Describe a prefix of `--data`: the `form` of its value, what it `holds`, and the package needed to read it.

    `extra` is the optional dependency group that installs the package; `file` says that the value is one file's path.
    """

    prefix: str
    form: str
    holds: str
    package: str = ""
    extra: str = ""
    file: bool = True


SOURCES = {
    kind.prefix: kind
    for kind in (
        SourceKind("folder", "folder:PATH", "images in class folders, or all in one"),
        SourceKind("csv", "csv:FILE", "a table of image paths with optional label, split and group"),
        SourceKind("npy", "npy:FILE", "an array (N, H, W), (N, H, W, C) or (N, C, H, W)"),
        SourceKind("npz", "npz:FILE", "labelled arrays: images and labels, or x_train, y_train, x_test, y_test"),
        SourceKind("h5", "h5:FILE[:KEY]", "an array in an HDF5 file", "h5py", "hdf5"),
        SourceKind("tar", "tar:PATTERN", "WebDataset shards: images, with .cls or .json files", file=False),
        SourceKind("parquet", "parquet:FILE", "a table of encoded images and labels", "pyarrow", "parquet", False),
        SourceKind("hf", "hf:NAME[:CONFIG]", "a data set on the Hugging Face hub", "datasets", "hub", False),
        SourceKind("py", "py:FILE.py:FUNCTION", "a function of yours that returns images and labels"),
    )
}
FORMS = ", ".join(kind.form for kind in SOURCES.values())


@dataclass(frozen=True)
class DataSource:
    """Identify a source by its kind, its path, name or pattern, and a key within it (HDF5 data set, configuration,
    function)."""

    kind: SourceKind
    where: str
    key: str = ""

    @property
    def path(self) -> Path:
        """Return the path with `~` expanded. Raises DataError where there is no home folder."""
        try:
            return expand_user(self.where)
        except StoreError:
            raise DataError(f"no home folder for {safe(self.where)}", "give the full path") from None

    @property
    def text(self) -> str:
        """Return the source in the form that `--data` accepts."""
        return f"{self.kind.prefix}:{self.where}" + (f":{self.key}" if self.key else "")

    def absolute(self) -> DataSource:
        """Return the source with an absolute path; the name of a data set on the hub is left as it is."""
        if self.kind.prefix == "hf":
            return self
        return DataSource(self.kind, str(self.path.absolute()), self.key)


def parse_source(data: str) -> DataSource | None:
    """Return the source that `data` names by a prefix, or None if it has none. Raises DataError if it is malformed."""
    prefix, colon, rest = data.partition(":")
    kind = SOURCES.get(prefix)
    if not colon or kind is None:
        return None
    if not rest:
        raise DataError(f"{prefix}: needs {'a path' if prefix != 'hf' else 'a name'}", f"give --data {kind.form}")
    where, key = rest, ""
    if prefix in ("h5", "hf") and not Path(rest).exists() and ":" in rest:
        where, _, key = rest.rpartition(":")
    if prefix == "py":
        where, colon, key = rest.rpartition(":")
        if not colon or not key.isidentifier():
            raise DataError(f"{safe(data)} names no function", f"give --data {kind.form}")
    return DataSource(kind, where, key)


def check_source(source: DataSource) -> None:
    """Raise DataError if the source's library is not installed or its file does not exist."""
    kind = source.kind
    if kind.package and not installed(kind.package):
        raise DataError(f"{kind.prefix}: needs {kind.package}", extra_command(kind.extra))
    if kind.file and kind.prefix != "folder":
        shown = safe(str(source.path))
        try:
            found = source.path.is_file()
        except (OSError, ValueError):
            found = False
        if not found:
            raise DataError(f"{shown} does not exist or is not a file", f"give --data {kind.form}")
