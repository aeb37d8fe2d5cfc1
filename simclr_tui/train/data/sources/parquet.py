"""Read images that are cells of Parquet files."""

from __future__ import annotations

import bisect
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simclr_tui.errors import DataError
from simclr_tui.recipe.data_sources import DataSource
from simclr_tui.recipe.file_content import refuse_other
from simclr_tui.recipe.layout import GROUP_NAMES, TEST_NAMES, TRAIN_NAMES
from simclr_tui.text import reason, safe
from simclr_tui.train.data.readers.protocol import File
from simclr_tui.train.data.sources.files import file_stamp, joined_stamps
from simclr_tui.train.data.sources.patterns import expand, split_of
from simclr_tui.train.data.sources.tables import (
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    Rows,
    TableSource,
    encoded,
    file_of,
    first_of,
    no_column,
)

_KEPT = 4  # row groups in memory
_SHOWN = 3  # unknown splits that are named
_SPLIT = ("split",)  # the column


@dataclass(frozen=True)
class _Table:
    """Hold an open Parquet file, and the folder that paths in it are relative to."""

    file: Any
    folder: Path

    @property
    def names(self) -> list[str]:
        return list(self.file.schema_arrow.names)

    @property
    def groups(self) -> range:
        """Return the numbers of its row groups."""
        return range(self.file.num_row_groups)

    def files(self, column: str) -> list[Path | None]:
        """Return the file of each image whose cell is a path. Cells that hold images are not read for that."""
        found = list[Path | None]()
        for number in self.groups:
            group = self.file.metadata.row_group(number)
            if self._holds_images(column, group):
                found += [None] * group.num_rows
            else:
                cells = self.file.read_row_group(number, columns=[column]).column(0).to_pylist()
                found += [file_of(cell, self.folder) for cell in cells]
        return found

    def _holds_images(self, column: str, group: Any) -> bool:
        """Return whether no cell of a row group can be a path."""
        import pyarrow as pa

        kind = self.file.schema_arrow.field(column).type
        if not pa.types.is_struct(kind):
            return not _is_text(kind)
        leaves = (group.column(at) for at in range(group.num_columns))
        known = [leaf.statistics for leaf in leaves if leaf.path_in_schema == f"{column}.bytes"]
        return bool(known) and known[0] is not None and known[0].has_null_count and known[0].null_count == 0


def open_parquet(source: DataSource) -> TableSource:
    """Open Parquet files. A word of a file's name or its folder's name says its split, else its column `split` does.

    Raises DataError where a file cannot be read, has no image column, or differs from the others in its columns.
    """
    files = expand(os.fspath(source.path), inside="*.parquet")
    if not files:
        raise DataError(f"no file matches {safe(source.where)}", f"give --data {source.kind.form}")
    by_split: dict[str, list[_Table]] = {}
    for file in files:
        by_split.setdefault(split_of(Path(file)), []).append(_opened(file))
    splits: dict[str, Rows] = {}
    class_names: list[str] = []
    for split, tables in sorted(by_split.items(), key=lambda of: not of[0]):  # those that are named come first
        found = _rows(source, tables)
        names = tables[0].names
        class_names = class_names or _hub_classes(tables[0].file, first_of(LABEL_COLUMNS, names))
        column = None if split else first_of(_SPLIT, names)
        of_column = _by_column(source, tables, found, column=column) if column else {}
        for name, rows in (of_column or {split or "train": found}).items():
            splits["without a name" if name in splits else name] = rows
    stamp = joined_stamps([file_stamp(Path(file)) for file in files])
    return TableSource(source, splits, class_names=class_names, stamp=stamp)


def _opened(file: str) -> _Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return _Table(pq.ParquetFile(file), Path(file).parent)
    except (OSError, pa.ArrowInvalid) as error:
        refuse_other(Path(file), "a Parquet file")
        raise DataError(
            f"{safe(file)} is no Parquet file that can be read: {reason(error)}", "fetch it again"
        ) from None


def _rows(source: DataSource, tables: Sequence[_Table]) -> Rows:
    """Return the rows of the files of one split, one file after the other."""
    names = tables[0].names
    image = first_of(IMAGE_COLUMNS, names)
    if image is None:
        raise no_column(safe(source.text), names, IMAGE_COLUMNS, what="image")
    count = sum(table.file.metadata.num_rows for table in tables)
    columns = (first_of(known, names) for known in (LABEL_COLUMNS, GROUP_NAMES))
    labels, groups = (_column(source, tables, name) if name else [] for name in columns)
    for table in tables:
        _check_column(source, table, image)
    return Rows(_RowGroups(source, tables, image), count, labels, groups, files=lambda: _files(tables, image))


def _files(tables: Sequence[_Table], column: str) -> list[Path | None]:
    found = [file for table in tables for file in table.files(column)]
    return found if any(found) else []


def _column(source: DataSource, tables: Sequence[_Table], name: str) -> list[Any]:
    for table in tables:
        _check_column(source, table, name)
    return [value for table in tables for value in table.file.read([name]).column(0).to_pylist()]


def _check_column(source: DataSource, table: _Table, name: str) -> None:
    if name not in table.names:
        raise DataError(
            f"{safe(source.text)}: some files of one split have a column {safe(name)}, and some have none",
            "give files of one kind, or the others by a pattern of their own",
        )


def _by_column(source: DataSource, tables: Sequence[_Table], rows: Rows, *, column: str) -> dict[str, Rows]:
    """Return the rows of each split that a column names."""
    found: dict[str, list[int]] = {}
    for row, value in enumerate(_column(source, tables, column)):
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

    def files() -> list[Path | None]:
        of_all = rows.files()
        return [of_all[n] for n in numbers] if of_all else []

    return Rows(lambda row: rows.image(numbers[row]), len(numbers), labels, groups, files=files)


class _RowGroups:
    """Give images by row, a few row groups of the files in memory at a time."""

    def __init__(self, source: DataSource, tables: Sequence[_Table], column: str) -> None:
        self._source, self._column, self._lock = source, column, threading.Lock()
        self._groups: list[tuple[_Table, int]] = []
        self._starts: list[int] = []
        start = 0
        for table in tables:
            for number in table.groups:
                self._groups.append((table, number))
                self._starts.append(start)
                start += table.file.metadata.row_group(number).num_rows
        self._kept: OrderedDict[int, Any] = OrderedDict()

    def __call__(self, row: int) -> File:
        at = bisect.bisect_right(self._starts, row) - 1
        table, number = self._groups[at]
        with self._lock:
            if at not in self._kept:
                self._kept[at] = table.file.read_row_group(number, columns=[self._column]).column(0)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            value = self._kept[at][row - self._starts[at]].as_py()
        return encoded(self._source, value, table.folder)


def _hub_classes(table: Any, label: str | None) -> list[str]:
    """Return the names of the classes of a label column as the hub writes them down; none where it has not."""
    try:
        features = json.loads(table.schema_arrow.metadata[b"huggingface"])["info"]["features"]
        return list(map(str, features[label]["names"]))
    except (KeyError, ValueError, TypeError):
        return []


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
