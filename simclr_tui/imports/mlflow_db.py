"""Read the runs in MLflow's SQLite database, which is opened read-only."""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from simclr_tui.errors import DataError
from simclr_tui.imports.mlflow_record import Point, Record
from simclr_tui.text import reason

_RUNS = "select run_uuid, name, status, start_time, lifecycle_stage from runs order by start_time, run_uuid"
_POINTS = "select key, value, timestamp, step, is_nan from metrics where run_uuid = ?"
_PARAMETERS = "select key, value from params where run_uuid = ?"
_TAGS = "select key, value from tags where run_uuid = ?"


def read_database(path: Path) -> Iterator[Record]:
    """Yield every run of the database. Raises DataError if it is not one of MLflow's."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            for id, name, status, began, stage in database.execute(_RUNS).fetchall():
                tags = {key: value or "" for key, value in database.execute(_TAGS, (id,))}
                yield Record(
                    id=id,
                    name=tags.get("mlflow.runName") or name or "",
                    source=str(path),
                    status=status or "",
                    began=(began or 0) / 1000,
                    deleted=stage == "deleted",
                    points=[_point(row) for row in database.execute(_POINTS, (id,))],
                    parameters=dict(database.execute(_PARAMETERS, (id,))),
                    tags=tags,
                )
    except sqlite3.Error as error:
        raise DataError(f"cannot read {path.name} as MLflow's database: {reason(error)}", "is it MLflow's?") from None


def _point(row: tuple[str, float, int, int, int]) -> Point:
    name, value, moment, step, is_nan = row
    return Point(name, math.nan if is_nan else float(value), int(moment), int(step))
