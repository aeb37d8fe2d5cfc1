"""Read a table of metrics: a CSV file with a header, one row per step, empty cells where nothing was measured.

Lightning's CSVLogger, Keras' CSVLogger and `simclr export --metrics F.csv` write such files.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

from simclr_tui.errors import DataError
from simclr_tui.imports.foreign_run import ForeignRun
from simclr_tui.text import reason

_STEPS = ("step", "global_step", "_step", "iteration", "iter", "trainer/global_step")
_TIMES = ("time", "_timestamp", "wall_time", "timestamp")
_USUAL = ("metrics", "progress", "log", "results", "history")  # names of files, not of runs


def read_csv(path: Path) -> Iterator[ForeignRun]:
    """Yield the run in a CSV file. Raises DataError if it holds no metrics, or OSError."""
    data = path.read_bytes()
    rows = _rows(path, data)
    names = rows[0]
    step_at = _first(names, _STEPS)
    name = path.resolve().parent.name if path.stem.lower() in _USUAL else path.stem
    run = ForeignRun(name, str(path), hashlib.sha256(data).hexdigest(), created=path.stat().st_mtime)
    run.reason = "imported: a table does not say how its run ended"
    if step_at is None:
        run.remarks.append(f"{path.name} has no column step: its rows are counted instead")
    time_at = _first(names, _TIMES)
    skipped = 0
    for index, row in enumerate(rows[1:]):
        step = index if step_at is None else _number(row, step_at)
        measured = [
            (at, value) for at in range(len(names)) if at != step_at and (value := _number(row, at)) is not None
        ]
        added = [run.add(names[at], step, value) for at, value in measured if at != time_at]
        skipped += not all(added)
        if time_at is not None and step is not None and all(added) and (seconds := _number(row, time_at)) is not None:
            run.walls.setdefault(int(step), seconds)
    if skipped:
        run.remarks.append(f"{path.name}: {skipped} rows without a whole step left out")
    if not run.series:
        raise DataError(f"{path.name} holds no numbers below its header", "give a table with one row per step")
    yield run


def _rows(path: Path, data: bytes) -> list[list[str]]:
    try:
        text = data.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} is not a CSV file in UTF-8: {reason(error)}", "save it as CSV in UTF-8") from None
    if not rows or all(_is_number(cell) for cell in rows[0]):
        raise DataError(f"{path.name} has no header that names its columns", "add one: step,loss,knn")
    names = [cell.strip() for cell in rows[0]]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path.name} has two columns called {twice}", "rename one of them")
    return [names, *rows[1:]]


def _first(names: list[str], known: tuple[str, ...]) -> int | None:
    lower = [name.lower() for name in names]
    return next((lower.index(word) for word in known if word in lower), None)


def _number(row: list[str], at: int) -> float | None:
    """Return the number in a cell; None for an empty one, text, or a row that is too short."""
    cell = row[at].strip() if at < len(row) else ""
    return float(cell) if cell and _is_number(cell) else None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
