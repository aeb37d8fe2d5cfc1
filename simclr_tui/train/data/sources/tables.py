"""Read images that are cells of a table: Parquet files, and data sets of the Hugging Face hub."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simclr_tui.errors import DataError
from simclr_tui.recipe.data_sources import DataSource
from simclr_tui.recipe.datasets import offline
from simclr_tui.recipe.folders import TEST_NAMES, TRAIN_NAMES
from simclr_tui.recipe.layout import Layout, Listing, check_groups
from simclr_tui.recipe.reading import Reading
from simclr_tui.text import safe
from simclr_tui.train.data.readers.protocol import File
from simclr_tui.train.data.sources.files import file_stamp
from simclr_tui.train.data.sources.labels import describe_classes, no_folders, to_classes, to_groups
from simclr_tui.train.data.sources.tar import expand

_IMAGE_COLUMNS = ("image", "img", "jpg", "png", "bytes", "content", "picture")
_LABEL_COLUMNS = ("label", "labels", "class", "cls", "target", "fine_label", "category")
_GROUP_COLUMNS = ("group", "patient", "patient_id", "subject", "slide", "slide_id")
_KEPT = 4  # row groups in memory


class TableSource:
    """Images of the rows of one or more splits. An image's name is its split and row."""

    def __init__(
        self, source: DataSource, rows: dict[str, Callable[[int], File]], columns: dict[str, dict[str, list[Any]]],
        *, class_names: list[str], stamp: str,
    ) -> None:  # fmt: skip
        self._source, self._rows, self._columns = source, rows, columns
        self._class_names, self._stamp = class_names, stamp

    @property
    def spec(self) -> str:
        return self._source.absolute().text

    def stamp(self, name: str) -> str:
        return self._stamp

    def image(self, name: str) -> File:
        split, _, number = name.partition("/")
        return self._rows[split](int(number))

    def layout(self, reading: Reading) -> Layout:
        train = next((split for split in TRAIN_NAMES if split in self._columns), next(iter(self._columns)))
        tests = [split for split in TEST_NAMES if split in self._columns and self._columns[split]["label"]]
        splits = {"train": train} | ({"test": tests[0]} if tests else {})
        no_folders(self._source.text, reading)
        labelled = reading.labels != "none" and bool(self._columns[train]["label"])
        given = [label for split in splits.values() for label in self._columns[split]["label"]] if labelled else []
        classes, index = to_classes(self._source.text, given, self._class_names)
        listings, at = {}, 0
        for side, split in splits.items():
            count = self._columns[split]["count"][0]
            labels = index[at : at + count] if labelled else (-1,) * count
            at += count
            names = tuple(f"{split}/{row:07}" for row in range(count))
            listings[side] = Listing(names, labels, to_groups(self._columns[split]["group"]))
        test = listings.get("test", Listing()) if classes else Listing()
        check_groups(self._source.text, listings["train"], test)
        notes = [describe_classes(classes, given)]
        if classes:
            notes.append(f"tested on {splits['test']}" if test else "no test split: a tenth is held out, by a hash")
        unused = set(self._columns) - set(splits.values())
        left = tuple(f"left out: split {safe(split)}" for split in sorted(unused))
        return Layout(Path(), classes, listings["train"], test, tuple(notes), left)


def open_parquet(source: DataSource) -> TableSource:
    """Open Parquet files; a file's name says its split (`train-…`, `test-…`), else all is training."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = expand(os.fspath(source.path))
    if not files:
        raise DataError(f"no file matches {safe(source.where)}", f"give --data {source.kind.form}")
    by_split: dict[str, list[Any]] = {}
    class_names: list[str] = []
    for file in files:
        try:
            opened = pq.ParquetFile(file)
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(f"{safe(file)} is no Parquet file that can be read: {error}", "fetch it again") from None
        split = Path(file).stem.split("-")[0].lower()
        by_split.setdefault(split if split in (*TRAIN_NAMES, *TEST_NAMES) else "train", []).append(opened)
        class_names = class_names or _hub_classes(opened.schema_arrow.metadata or {})
    rows, columns = {}, {}
    for split, tables in by_split.items():
        names = tables[0].schema_arrow.names
        image = _column(source, names, _IMAGE_COLUMNS, what="image")
        label = next((name for name in _LABEL_COLUMNS if name in names), None)
        group = next((name for name in _GROUP_COLUMNS if name in names), None)
        columns[split] = {
            "count": [sum(table.metadata.num_rows for table in tables)],
            "label": [v for t in tables for v in t.read([label]).column(0).to_pylist()] if label else [],
            "group": [v for t in tables for v in t.read([group]).column(0).to_pylist()] if group else [],
        }
        rows[split] = _RowGroups(source, tables, image)
    return TableSource(
        source, dict(rows), columns, class_names=class_names, stamp=" ".join(map(file_stamp, map(Path, files)))
    )


class _RowGroups:
    """Images by row, a few row groups of the files in memory at a time."""

    def __init__(self, source: DataSource, tables: list[Any], column: str) -> None:
        self._source, self._column, self._lock = source, column, threading.Lock()
        self._groups: list[tuple[Any, int, int]] = []
        start = 0
        for table in tables:
            for number in range(table.num_row_groups):
                self._groups.append((table, number, start))
                start += table.metadata.row_group(number).num_rows
        self._kept: OrderedDict[int, Any] = OrderedDict()

    def __call__(self, row: int) -> File:
        at = max(i for i, (_, _, start) in enumerate(self._groups) if start <= row)
        with self._lock:
            if at not in self._kept:
                table, number, _ = self._groups[at]
                self._kept[at] = table.read_row_group(number, columns=[self._column]).column(0)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            value = self._kept[at][row - self._groups[at][2]].as_py()
        return _bytes(self._source, value)


def _bytes(source: DataSource, value: Any) -> File:
    if isinstance(value, dict):  # as the hub keeps images
        value = value.get("bytes") or value.get("path")
    if isinstance(value, str):
        return source.path.parent / value
    if not isinstance(value, bytes):
        raise DataError(f"{safe(source.text)} holds no encoded images", "keep each as the bytes of a PNG or JPEG file")
    return value


def _column(source: DataSource, names: list[str], known: tuple[str, ...], *, what: str) -> str:
    found = next((name for name in known if name in names), None)
    if found is None:
        listed = ", ".join(map(safe, names))
        raise DataError(f"{safe(source.text)} has no {what} column: {listed}", f"call it {known[0]}")
    return found


def _hub_classes(metadata: dict[bytes, bytes]) -> list[str]:
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return next(list(map(str, feature["names"])) for feature in features.values() if "names" in feature)
    except (KeyError, ValueError, TypeError, StopIteration):
        return []


def open_hub(source: DataSource) -> TableSource:
    """Open a data set of the Hugging Face hub, from its cache where there is no network."""
    if offline():
        os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    import datasets

    try:
        found = datasets.load_dataset(source.where)
    except Exception as error:  # the hub's clients raise all sorts of things
        first = safe(str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise DataError(
            f"hf:{safe(source.where)} cannot be opened: {first}",
            "without a network only what an earlier run has fetched can be read",
        ) from None
    rows: dict[str, Callable[[int], File]] = {}
    columns, class_names = {}, []
    for split, table in found.items():
        features = table.features
        image = next((name for name, feature in features.items() if isinstance(feature, datasets.Image)), None)
        image = image or _column(source, list(features), _IMAGE_COLUMNS, what="image")
        label = next((name for name, feature in features.items() if isinstance(feature, datasets.ClassLabel)), None)
        label = label or next((name for name in _LABEL_COLUMNS if name in features), None)
        if label is not None and isinstance(features[label], datasets.ClassLabel):
            class_names = list(features[label].names)
        raw = table.cast_column(image, datasets.Image(decode=False))
        rows[str(split).lower()] = lambda row, raw=raw, image=image: _bytes(source, raw[row][image])  # type: ignore[misc]
        columns[str(split).lower()] = {
            "count": [len(table)], "label": list(table[label]) if label else [], "group": [],
        }  # fmt: skip
    return TableSource(source, rows, columns, class_names=class_names, stamp="0")
