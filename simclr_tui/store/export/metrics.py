"""Export a run's metrics to CSV, Parquet or TensorBoard."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path

from simclr_tui.errors import NotFoundError, RecipeError, StoreError
from simclr_tui.store.export.parquet import as_parquet, import_pyarrow
from simclr_tui.store.export.target import check_target, is_folder, write_target
from simclr_tui.store.export.tensorboard import Row, event_file
from simclr_tui.store.metrics.history import History
from simclr_tui.store.run import Run
from simclr_tui.store.task_replies import Written
from simclr_tui.text import safe

Table = dict[str, list[float | None]]
"""Columns of equal length: step, epoch, time, then each metric; None marks what was not measured."""

_FLAG = "--metrics"
SUFFIXES = (".csv", ".parquet")


def export_metrics(run: Run, target: str) -> Written:
    """Write `F.csv`, `F.parquet`, or TensorBoard event files into a folder (one that exists, or a path ending in `/`).

    Raises NotFoundError if nothing was logged yet, and RecipeError or StoreError if the target cannot be written.
    """
    path = Path(target)
    folder = target.endswith("/") or is_folder(path)
    if not folder and path.suffix not in SUFFIXES:
        raise RecipeError(
            f"{_FLAG} cannot write {safe(target)}", "give F.csv, F.parquet, or a folder for TensorBoard, as in events/"
        )
    if not folder:
        check_target(path, SUFFIXES, _FLAG)
    columns = table(run.history())
    if not columns["step"]:
        raise NotFoundError(f"{run.name} has logged no metrics yet", f"wait for its first step: simclr show {run.name}")
    if folder:
        return _write_events(run, path, columns)
    data = _as_csv(columns) if path.suffix == ".csv" else _as_parquet(columns, run)
    write_target(path, data)
    return Written([str(path)], len(data), _content(columns))


def table(history: History) -> Table:
    """Return one row per step. Several lines of a step are joined; epoch and time are those of its first line."""
    first = [row for row, step in enumerate(history.step) if row == 0 or step != history.step[row - 1]]
    row_of_step = {history.step[row]: index for index, row in enumerate(first)}
    columns: Table = {
        "step": [history.step[row] for row in first],
        "epoch": [history.epoch[row] for row in first],
        "time": [history.time[row] for row in first],
    }
    for name, column in history.columns.items():
        if not column.rows:  # all its values came from an attempt that a later one has replaced
            continue
        columns[name] = [None] * len(first)
        for row, value in zip(column.rows, column.values, strict=True):
            columns[name][row_of_step[history.step[row]]] = value
    return columns


def _as_csv(columns: Table) -> bytes:
    """Return the CSV file: empty cells where nothing was measured, `nan` for what is not a number, every digit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode()


def _as_parquet(columns: Table, run: Run) -> bytes:
    """Return the Parquet file: null where nothing was measured, and NaN for values that are not numbers."""
    arrow = import_pyarrow()
    types = {name: arrow.int64() if name == "step" else arrow.float64() for name in columns}
    arrays = {name: arrow.array(values, types[name], from_pandas=False) for name, values in columns.items()}
    return as_parquet(arrays, {"run": run.name})


def _write_events(run: Run, folder: Path, columns: Table) -> Written:
    """Write one event file into a subfolder named after the run, so that several runs can share `folder`.

    Exporting again replaces the file.
    """
    began = run.info.created
    data = event_file(began, _event_rows(began, columns))
    target = folder / run.name / f"events.out.tfevents.{math.floor(began)}.{run.name}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make {safe(str(target.parent))}: {error.strerror}", "give another path") from None
    write_target(target, data)
    return Written([str(target)], len(data), _content(columns))


def _event_rows(began: float, columns: Table) -> Iterator[Row]:
    """Yield one row per step. Wall time is the run's creation plus the seconds of training; pauses are left out."""
    metrics = {name: values for name, values in columns.items() if name not in ("step", "epoch", "time")}
    for row, (step, seconds) in enumerate(zip(columns["step"], columns["time"], strict=True)):
        values = {name: value for name, column in metrics.items() if (value := column[row]) is not None}
        yield began + (seconds or 0.0), int(step or 0), values


def _content(columns: Table) -> str:
    return f"{len(columns) - 3} metrics at {len(columns['step']):,} steps"
