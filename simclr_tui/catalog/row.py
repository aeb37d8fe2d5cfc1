"""One run as a flat row, for lists to show, sort and filter."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import itemgetter
from typing import Any

from simclr_tui.errors import RecipeError, SimclrError
from simclr_tui.recipe.fields import differ, field, fields
from simclr_tui.store.comparable import DIGESTS, EVALUATED_DIGESTS, evaluated_on
from simclr_tui.store.evaluations import read_evaluation
from simclr_tui.store.metrics.metric_table import COLUMNS, Unit
from simclr_tui.store.run import Run
from simclr_tui.store.state import State, read_or_rebuild
from simclr_tui.store.unreadable import refuse_unanswered
from simclr_tui.text import did_you_mean, duration, energy, number, percent, safe, size, value_text

Row = dict[str, Any]

# Column → type, before the recipe's fields (under their short names: bs, temp, …) and the summary metrics.
OWN: dict[str, type] = {
    "name": str,
    "state": str,
    "place": int,  # in the queue, as of now; never in the database
    "created": float,
    "path": str,
    "tags": str,
    "note": str,
    "sweep": str,
    "trial": int,
    "preset": str,
    "step": int,
    "steps": int,
    "attempt": int,
    "reason": str,
    "exit_code": int,
    "elapsed": float,
    "flags": str,
    "knn_images": int,  # how many kNN was measured on
    **dict.fromkeys((*DIGESTS.values(), *EVALUATED_DIGESTS.values()), str),  # which they were
    "git_commit": str,
    "error": str,
    "fingerprint": str,
}
SUMMARY = tuple(metric.name for metric in COLUMNS if not metric.evaluation)
"""Metrics that are part of a run's summary."""
EVALUATED = {metric.name: metric.evaluation for metric in COLUMNS if metric.evaluation}
"""Columns, and the evaluation (on the run's own data) whose top-1 each of them holds."""


@cache
def columns() -> dict[str, type]:
    """Return every column of the catalog and its type."""
    return OWN | {item.short: item.type for item in fields()} | dict.fromkeys((*SUMMARY, *EVALUATED), float)


def make_row(run: Run, fingerprint: str) -> Row:
    """Read a run folder into a row. A folder that cannot be read gives a row whose `error` says why."""
    row: Row = dict.fromkeys(columns())
    row |= {"name": run.name, "path": str(run.path), "fingerprint": fingerprint, "state": "lost", "error": ""}
    try:
        return row | read_row(run)
    except SimclrError as error:
        return row | {"error": str(error), "reason": error.message, "created": 0.0}


def read_row(run: Run) -> Row:
    """Return what a run folder holds for a row. Raises SimclrError, UnansweredError where that may pass."""
    info, resolved, state = run.info, run.resolved, read_or_rebuild(run.paths)
    row: Row = {
        "created": info.created,
        "tags": ",".join(info.tags),
        "note": info.note,
        "sweep": info.trial.sweep if info.trial else None,
        "trial": info.trial.number if info.trial else None,
        "git_commit": info.git_commit,
        "preset": resolved.preset,
    }
    return row | resolved.known_values() | state_columns(state) | _evaluated(run)


def _evaluated(run: Run) -> Row:
    try:
        there = [
            path.name for path in run.paths.evaluations.iterdir()
        ]  # most runs have none, and a look is cheaper than three
    except OSError as error:
        refuse_unanswered(error, f"the results of {run.name}")
        return {}
    found = {
        column: read_evaluation(run.paths, name, strict=True)
        for column, name in EVALUATED.items()
        if f"{name}.json" in there
    }
    known = {column: evaluation for column, evaluation in found.items() if evaluation is not None}
    accuracies: Row = {column: evaluation.top1 for column, evaluation in known.items()}
    return accuracies | {EVALUATED_DIGESTS[name]: one.test_digest or None for name, one in known.items()}


def state_columns(state: State) -> Row:
    """Return the part of a row that changes while a run trains."""
    summary: Mapping[str, float] = state.summary
    return {
        "state": state.state,
        "step": state.step,
        "steps": state.steps,
        "attempt": state.attempt,
        "reason": state.reason,
        "exit_code": state.exit_code,
        "elapsed": state.elapsed + state.time,
        "flags": ",".join(state.flags),
        **{name: value or None for name, value in evaluated_on(state.facts).items()},
        **{metric: summary.get(metric) for metric in SUMMARY},
    }


_ALIASES = {"tag": "tags"}


def find_column(word: str, what_for: str) -> str:
    """Return the column meant by a name, a field's key or an alias. Raises RecipeError suggesting the closest name."""
    name = _ALIASES.get(word, word)
    if name in columns():
        return name
    try:
        return field(name).short
    except RecipeError:
        hint = did_you_mean(word, columns()) or "columns are those of simclr ls --json"
        raise RecipeError(f"no column {safe(word)!r} to {what_for}", hint) from None


def parse_columns(text: str) -> tuple[str, ...]:
    """Return the columns named in a text, separated by commas or spaces. Raises RecipeError for an unknown name."""
    return tuple(dict.fromkeys(find_column(word, "show") for word in text.replace(",", " ").split()))


_BY_UNIT: dict[Unit, Callable[[float], str]] = {
    "": number,
    "share": percent,
    "bytes": size,
    "seconds": duration,
    "joules": energy,
}
_WRITERS: dict[str, Callable[[float], str]] = {
    **{item.short: value_text for item in fields()},
    **{metric.name: _BY_UNIT[metric.unit] for metric in COLUMNS},
    "elapsed": duration,
    "created": lambda seconds: time.strftime("%m-%d %H:%M", time.localtime(seconds)),
}


def cell_text(column: str, value: Any) -> str:
    """Return a value as lists show it; text from outside is sanitised."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return safe(str(value))
    if not math.isfinite(value):
        return number(value)
    return _WRITERS.get(column, number)(value)


def cell_texts(column: str, values: Iterable[Any]) -> list[str]:
    """Return the values of one column as `cell_text` returns each; a long list of finite figures takes less time."""
    written, finite = _WRITERS.get(column, number), math.isfinite
    return [written(one) if type(one) is float and finite(one) else cell_text(column, one) for one in values]


def public(row: Row) -> Row:
    """Return the row as `ls --json` prints it: tags and flags as lists, and nothing internal."""
    shown = {key: value for key, value in row.items() if key != "fingerprint"}
    for key in ("tags", "flags"):
        shown[key] = [word for word in (row[key] or "").split(",") if word]
    return shown


def differing(rows: list[Row]) -> list[str]:
    """Return the short names of the recipe fields whose known values differ between the rows."""
    names = [item.short for item in fields()]
    first: Row = dict.fromkeys(names)  # the first known value of each field
    alike = names  # the fields in which no two rows differ so far
    expected, values_of = tuple(first.values()), itemgetter(*alike)
    for row in rows:
        values = values_of(row)
        if values == expected:  # one comparison for nearly all rows of most lists
            continue
        for name, value in zip(alike, values, strict=True):
            if first[name] is None:
                first[name] = value
        alike = [name for name in alike if row[name] is None or row[name] == first[name]]
        if len(alike) < 2:
            return [name for name in names if differ([row[name] for row in rows])]
        expected, values_of = tuple(first[name] for name in alike), itemgetter(*alike)
    return [name for name in names if name not in alike]
