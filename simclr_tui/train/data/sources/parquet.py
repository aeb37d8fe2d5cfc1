"""Read images that are cells of Parquet files."""

from __future__ import annotations

import bisect
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simclr_tui.errors import DataError
from simclr_tui.recipe.data_sources import DataSource
from simclr_tui.recipe.file_content import refuse_other
from simclr_tui.recipe.layout import GROUP_NAMES, TEST_NAMES, TRAIN_NAMES
from simclr_tui.text import reason, safe
from simclr_tui.train.data.readers.protocol import File
from simclr_tui.train.data.sources.files import file_stamp
from simclr_tui.train.data.sources.patterns import expand, split_of
from simclr_tui.train.data.sources.tables import (
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    Rows,
    TableSource,
    encoded,
    first_of,
    no_column,
)

_KEPT = 4  # row groups in memory
_SHOWN = 3  # unknown splits that are named
_SPLIT = "split"  # the column


def open_parquet(source: DataSource) -> TableSource:
    """Open Parquet files. A word of a file's name or its folder's name says its split, else its column `split` does.

    Raises DataError where a file cannot be read, has no image column, or differs from the others in its columns.
    """
    files = expand(os.fspath(source.path), inside="*.parquet")
    if not files:
        raise DataError(f"no file matches {safe(source.where)}", f"give --data {source.kind.form}")
    by_split: dict[str, list[Any]] = {}
    for file in files:
        by_split.setdefault(split_of(Path(file)), []).append(_opened(file))
    splits: dict[str, Rows] = {}
    class_names: list[str] = []
    for split, tables in sorted(by_split.items(), key=lambda of: not of[0]):  # those that are named come first
        found = _rows(source, tables)
        names = tables[0].schema_arrow.names
        class_names = class_names or _hub_classes(tables[0], first_of(LABEL_COLUMNS, names))
        of_column = {} if split or _SPLIT not in names else _by_column(source, tables, found)
        for name, rows in (of_column or {split or "train": found}).items():
            splits["without a name" if name in splits else name] = rows
    stamp = " ".join(map(file_stamp, map(Path, files)))
    return TableSource(source, splits, class_names=class_names, stamp=stamp)


def _opened(file: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(file)
    except (OSError, pa.ArrowInvalid) as error:
        refuse_other(Path(file), "a Parquet file")
        raise DataError(
            f"{safe(file)} is no Parquet file that can be read: {reason(error)}", "fetch it again"
        ) from None


def _rows(source: DataSource, tables: Sequence[Any]) -> Rows:
    """Return the rows of the files of one split, one file after the other."""
    names = tables[0].schema_arrow.names
    image = first_of(IMAGE_COLUMNS, names)
    if image is None:
        raise no_column(safe(source.text), names, IMAGE_COLUMNS, what="image")
    count = sum(table.metadata.num_rows for table in tables)
    columns = (first_of(known, names) for known in (LABEL_COLUMNS, GROUP_NAMES))
    labels, groups = (_column(source, tables, name) if name else [] for name in columns)
    for table in tables:
        _check_column(source, table, image)
    return Rows(_RowGroups(source, tables, image), count, labels, groups)


def _column(source: DataSource, tables: Sequence[Any], name: str) -> list[Any]:
    for table in tables:
        _check_column(source, table, name)
    return [value for table in tables for value in table.read([name]).column(0).to_pylist()]


def _check_column(source: DataSource, table: Any, name: str) -> None:
    if name not in table.schema_arrow.names:
        raise DataError(
            f"{safe(source.text)}: some files of one split have a column {safe(name)}, and some have none",
            "give files of one kind, or the others by a pattern of their own",
        )


def _by_column(source: DataSource, tables: Sequence[Any], rows: Rows) -> dict[str, Rows]:
    """Return the rows of each split that the column `split` names."""
    found: dict[str, list[int]] = {}
    for row, value in enumerate(_column(source, tables, _SPLIT)):
        found.setdefault(str(value or TRAIN_NAMES[0]).strip().lower(), []).append(row)
    unknown = {split: len(rows) for split, rows in found.items() if split not in (*TRAIN_NAMES, *TEST_NAMES)}
    if unknown:
        count = sum(unknown.values())
        first = ", ".join(repr(safe(split)) for split in list(unknown)[:_SHOWN])
        more = f", and {len(unknown) - _SHOWN:,} more" if len(unknown) > _SHOWN else ""
        raise DataError(
            f"{safe(source.text)} has {'a row' if count == 1 else f'{count:,} rows'} of the unknown"
            f" split{'s'[: len(unknown) != 1]} {first}{more}",
            f"known splits are {', '.join((*TRAIN_NAMES[:1], *TEST_NAMES))}; rename a column that means no split",
        )
    return {split: _picked(rows, numbers) for split, numbers in found.items()}


def _picked(rows: Rows, numbers: list[int]) -> Rows:
    labels, groups = ([column[n] for n in numbers] if column else [] for column in (rows.labels, rows.groups))
    return Rows(lambda row: rows.image(numbers[row]), len(numbers), labels, groups)


class _RowGroups:
    """Give images by row, a few row groups of the files in memory at a time."""

    def __init__(self, source: DataSource, tables: Sequence[Any], column: str) -> None:
        self._source, self._column, self._lock = source, column, threading.Lock()
        self._groups: list[tuple[Any, int]] = []
        self._starts: list[int] = []
        start = 0
        for table in tables:
            for number in range(table.num_row_groups):
                self._groups.append((table, number))
                self._starts.append(start)
                start += table.metadata.row_group(number).num_rows
        self._kept: OrderedDict[int, Any] = OrderedDict()

    def __call__(self, row: int) -> File:
        at = bisect.bisect_right(self._starts, row) - 1
        with self._lock:
            if at not in self._kept:
                table, number = self._groups[at]
                self._kept[at] = table.read_row_group(number, columns=[self._column]).column(0)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            value = self._kept[at][row - self._starts[at]].as_py()
        return encoded(self._source, value)


def _hub_classes(table: Any, label: str | None) -> list[str]:
    """Return the names of the classes of a label column as the hub writes them down; none where it has not."""
    try:
        features = json.loads(table.schema_arrow.metadata[b"huggingface"])["info"]["features"]
        return list(map(str, features[label]["names"]))
    except (KeyError, ValueError, TypeError):
        return []
