"""Read data sets of the Hugging Face hub, or of a folder in its layout."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from simclr_tui.errors import DataError
from simclr_tui.recipe.data_sources import DataSource
from simclr_tui.recipe.datasets import offline, reachable
from simclr_tui.recipe.layout import GROUP_NAMES
from simclr_tui.text import reason, safe
from simclr_tui.train.data.sources.tables import (
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    Rows,
    TableSource,
    encoded,
    first_of,
    no_column,
)

_SHOWN = 6  # configurations that are named
_NAMED = 4  # folders of a table in the library's cache, innermost last, that say which data set it is
_NETWORK = {"ConnectionError", "TimeoutError", "Timeout", "TransportError"}
"""Names of errors of the network, whichever client the hub's library uses."""


def open_hub(source: DataSource) -> TableSource:
    """Open a data set of the Hugging Face hub, from its cache where there is no network. Raises DataError."""
    alone = offline() or not hub_answers(source)
    if alone:
        os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    import datasets

    try:
        found = datasets.load_dataset(source.where, source.key or None, keep_in_memory=False)
    except Exception as error:  # the hub's clients raise all sorts of things
        raise _choice_of_configurations(source, error) or _not_opened(source, error, alone=alone) from None
    splits: dict[str, Rows] = {}
    class_names: list[str] = []
    for split, table in found.items():
        label = _of_type(table, datasets.ClassLabel, LABEL_COLUMNS)
        if label and isinstance(table.features[label], datasets.ClassLabel):
            class_names = class_names or list(table.features[label].names)
        splits[str(split).lower()] = _rows(source, table, label)
    return TableSource(source, splits, class_names=class_names, stamp=_stamp(found))


def _stamp(splits: Mapping[str, Any]) -> str:
    """Return the bytes of the data set's files, and a digest of the folders in which the library keeps its tables.

    It names these after the data set's revision, or the times at which the files of a folder were changed.
    """
    kept = [Path(file["filename"]) for table in splits.values() for file in table.cache_files]
    fetched = [table.info.download_size for table in splits.values()]
    size = (fetched and fetched[0]) or sum(file.stat().st_size for file in kept)
    folders = sorted({"/".join(file.parent.parts[-_NAMED:]) for file in kept})
    return f"{size} {hashlib.blake2b(os.fsencode(' '.join(folders)), digest_size=8).hexdigest()}"


def _choice_of_configurations(source: DataSource, error: Exception) -> DataError | None:
    """Return the error of a data set that has not the configuration asked for, or several to ask for; else None."""
    import datasets

    if not isinstance(error, ValueError):
        return None
    try:
        names = datasets.get_dataset_config_names(source.where)
        usual = datasets.get_dataset_default_config_name(source.where)
    except Exception:  # what kept the data set from being opened is said in its place
        return None
    if source.key in names or (not source.key and (usual or not names)):
        return None
    shown, where = ", ".join(map(safe, names[:_SHOWN])), safe(source.where)
    shown += f", and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    if source.key:
        what = f"hf:{where} has no configuration {safe(source.key)!r}"
        return DataError(what, f"give hf:{where}:CONFIG with one of its own: {shown}")
    return DataError(
        f"hf:{where} has {len(names):,} configurations", f"give one of them, as hf:{where}:{safe(names[0])}: {shown}"
    )


def _not_opened(source: DataSource, error: Exception, *, alone: bool) -> DataError:
    """Return the error of a data set that cannot be opened; `alone`: the hub was not asked."""
    hint = "check its name, and whether it may be read: hf auth login"
    if source.path.is_dir():
        hint = "check the files of the folder"
    elif alone or any(map(_of_the_network, _causes(error))):
        hint = "without a network only what an earlier run has fetched can be read"
    return DataError(f"hf:{safe(source.where)} cannot be opened: {reason(error)}", hint)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _of_the_network(error: BaseException) -> bool:
    return any(kind.__name__ in _NETWORK for kind in type(error).__mro__)


def hub_answers(source: DataSource) -> bool:
    """Return whether the hub can be reached, which its own client asks for half a minute. Behind a proxy it may be."""
    if getproxies() or source.path.is_dir():
        return True
    endpoint = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    return reachable(endpoint.hostname or "", endpoint.port or (80 if endpoint.scheme == "http" else 443))


def _rows(source: DataSource, table: Any, label: str | None) -> Rows:
    import datasets

    names = list(table.features)
    image = next((name for name in names if isinstance(table.features[name], datasets.Image)), None)
    image = image or first_of(IMAGE_COLUMNS, names)
    if image is None:
        raise no_column(safe(source.text), names, IMAGE_COLUMNS, what="image")
    raw, group = table.cast_column(image, datasets.Image(decode=False)), first_of(GROUP_NAMES, names)
    labels, groups = (list(table[name]) if name else [] for name in (label, group))
    folder = source.path
    return Rows(
        lambda row: encoded(source, raw[row][image], folder), len(table), labels, groups,
        files=lambda: _files(raw.data.column(image), folder),
    )  # fmt: skip


def _files(cells: Any, folder: Path) -> Sequence[Path | None]:
    """Return the file of each image whose cell is a path. Cells that hold images are not read for that."""
    found = list[Path | None]()
    for chunk in cells.chunks:
        held = chunk.field("bytes")
        if held.null_count:
            paths = zip(chunk.field("path").to_pylist(), held.is_null().to_pylist(), strict=True)
            found += [folder / path if path and alone else None for path, alone in paths]
        else:
            found += [None] * len(chunk)
    return found if any(found) else ()


def _of_type(table: Any, kind: type, known: tuple[str, ...]) -> str | None:
    """Return the column of a known name, else the first of a type: others of that type may mean anything."""
    names = list(table.features)
    return first_of(known, names) or next((name for name in names if isinstance(table.features[name], kind)), None)
