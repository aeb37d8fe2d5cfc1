"""Read MLflow's runs, without MLflow: from its file store (`mlruns/`) and its SQLite database (`mlflow.db`)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from simclr_tui.errors import NotFoundError
from simclr_tui.imports.foreign_run import ForeignRun
from simclr_tui.imports.mlflow_db import read_database
from simclr_tui.imports.mlflow_record import Point, Record
from simclr_tui.store.state import StateName

_DATABASE = "mlflow.db"
_META = "meta.yaml"
_BY_NUMBER = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
_ENDS: dict[str, tuple[StateName, str]] = {
    "FINISHED": ("finished", "imported"),
    "FAILED": ("failed", "imported: it failed"),
    "KILLED": ("stopped", "imported: it was killed"),
}


def read_mlflow(folder: Path) -> Iterator[ForeignRun | str]:
    """Yield every run of a file store or a database in `folder`, or a sentence for one that cannot be read.

    Runs that were deleted in MLflow are left out. Raises NotFoundError if it holds none, DataError or OSError.
    """
    database = folder if folder.is_file() else folder / _DATABASE
    records, damaged = list(read_database(database)) if database.is_file() else [], False
    if folder.is_dir():
        metas = sorted(path for path in folder.rglob(_META) if (path.parent / "metrics").is_dir())
        for path in metas:
            try:
                records.append(_read_folder(path))
            except ValueError as error:
                damaged = True
                yield f"{path.parent} cannot be read as a run of MLflow: {error}"
    if not records and not damaged:
        raise NotFoundError(f"there are no MLflow runs in {folder}", "name the folder mlruns/, or that of mlflow.db")
    for record in records:
        if not record.deleted:
            yield _as_run(record)


def _read_folder(meta: Path) -> Record:
    about = _read_meta(meta)
    home = meta.parent
    points = [point for path in _files(home / "metrics") for point in _read_points(path, home / "metrics")]
    parameters = {_key(path, home / "params"): path.read_text(encoding="utf-8") for path in _files(home / "params")}
    tags = {_key(path, home / "tags"): path.read_text(encoding="utf-8") for path in _files(home / "tags")}
    return Record(
        id=about.get("run_id") or home.name,
        name=tags.get("mlflow.runName") or about.get("run_name", ""),
        source=str(home),
        status=_BY_NUMBER.get(about.get("status", ""), about.get("status", "")),
        began=float(about.get("start_time") or 0) / 1000,
        deleted=about.get("lifecycle_stage") == "deleted",
        points=points,
        parameters=parameters,
        tags=tags,
    )


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else ()


def _key(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()  # a metric called train/loss is a file in a folder


def _read_points(path: Path, folder: Path) -> Iterator[Point]:
    """Yield the points of a metric's file: lines of `milliseconds value step`; an unfinished last line is left out."""
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        words = line.split()
        if line.endswith("\n") and len(words) >= 2:
            yield Point(_key(path, folder), float(words[1]), int(words[0]), int(words[2]) if len(words) > 2 else 0)


def _read_meta(path: Path) -> dict[str, str]:
    """Return the plain entries of a meta.yaml, which MLflow writes one a line."""
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == key:
            found[key] = value.strip().strip("'\"")
    return found


def _as_run(record: Record) -> ForeignRun:
    digest = hashlib.sha256(repr((record.id, record.status, sorted(record.points))).encode()).hexdigest()
    run = ForeignRun(record.name or record.id, f"{record.source}#{record.id}", digest, created=record.began)
    run.state, run.reason = _ENDS.get(record.status, ("lost", "imported: it had not ended"))
    run.config = dict(record.parameters)
    run.note = record.tags.get("mlflow.note.content", "")
    for name in sorted({point.name for point in record.points}):
        _add_metric(run, name, sorted(point for point in record.points if point.name == name))
    return run


def _add_metric(run: ForeignRun, name: str, points: list[Point]) -> None:
    # Whoever logs without a step gets step 0 each time: the order in time is then all that is known.
    counted = len(points) > 1 and len({point.step for point in points}) == 1
    if counted:
        run.remarks.append(f"{name} was logged without steps: its values are counted instead")
    ordered = sorted(points, key=lambda point: point.time)
    for index, point in enumerate(ordered):
        step = index if counted else point.step
        if run.add(name, step, point.value if math.isfinite(point.value) else math.nan) and not counted:
            run.walls.setdefault(step, point.time / 1000)
