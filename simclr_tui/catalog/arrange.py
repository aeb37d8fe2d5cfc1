"""Rows in order and in groups: what `ls --sort --group` prints and the dashboard's list shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from simclr_tui.catalog.row import Row, columns, find_column
from simclr_tui.catalog.spread import Spread, spread_of
from simclr_tui.recipe.fields import fields
from simclr_tui.store.comparable import comparable_values, row_left_out
from simclr_tui.store.metrics.metric_table import COLUMNS, GROUPED, METRICS
from simclr_tui.store.names import natural_key
from simclr_tui.store.state import STATES
from simclr_tui.text import plus_minus, spread

PROGRESS = "progress"  # to sort by, beside the columns: the share of the steps that are done
_HIDDEN = {"path", "fingerprint", "git_commit"}
_HIGHEST_FIRST = {"created", PROGRESS, "step", "steps", *(one.name for one in COLUMNS if one.better != "lowest")}


def sortable() -> tuple[str, ...]:
    """Everything that rows can be sorted by: the figures first, then the recipe's fields, then the rest."""
    first = ("created", "knn_best", "loss", PROGRESS, "name", "state")
    figures = [metric.name for metric in COLUMNS if metric.name not in first]
    recipe = [item.short for item in fields()]
    rest = [name for name in columns() if name not in {*first, *figures, *recipe, *_HIDDEN}]
    return (*first, *figures, *recipe, *rest)


def groupable() -> tuple[str, ...]:
    """Everything that rows can be grouped by."""
    return ("tags", "state", "preset", *(item.short for item in fields()))


def find_order(word: str) -> tuple[str, bool]:
    """Return a column to sort by, and whether it descends: a metric's better values come first, the lowest of anything
    else; `-` before the name turns that round. Raises RecipeError."""
    name = word.removeprefix("-")
    column = name if name == PROGRESS else find_column(name, "sort by")
    better_first = column in METRICS and descends(column)
    return column, better_first != word.startswith("-")


def descends(column: str) -> bool:
    """Return whether the useful direction has the highest first."""
    return column in _HIGHEST_FIRST


def sort_rows(rows: list[Row], column: str, descending: bool) -> list[Row]:
    """In order; equal ones stay as they were, and those without a value come last either way."""
    key = _key(column)
    keyed = [(key(row), row) for row in rows]
    known = [pair for pair in keyed if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in known] + [row for value, row in keyed if value is None]


def _key(column: str) -> Callable[[Row], Any]:
    special: dict[str, Callable[[Row], Any]] = {
        PROGRESS: lambda row: (row.get("step") or 0) / row["steps"] if row.get("steps") else None,
        "name": lambda row: natural_key(row["name"]),
        "state": lambda row: STATES.index(row["state"]) if row["state"] in STATES else len(STATES),
    }
    if column in special:
        return special[column]
    if columns()[column] is str:
        return lambda row: str(row[column]).casefold() if row.get(column) else None
    return lambda row: _finite(row.get(column))


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


@dataclass(frozen=True)
class Group:
    """Rows that agree in `column`; for `tags`, in all of their tags."""

    column: str
    value: Any
    rows: tuple[Row, ...]

    @property
    def sound(self) -> int:
        """How many of the runs have finished in health: those that are averaged."""
        return sum(not row_left_out(row) for row in self.rows)

    @property
    def count(self) -> str:
        """`5`, or `5 of 8` where the other three did not finish in health."""
        return str(self.sound) if self.sound == len(self.rows) else f"{self.sound} of {len(self.rows)}"

    def spread(self, column: str) -> Spread | None:
        """Return mean ± std of a figure over the group's runs that finished in health and have it; None where there
        are none, or where they were measured differently (see `differing`)."""
        values, differently = comparable_values(column, self.rows)
        return None if differently else spread_of(values)

    def differing(self, column: str) -> tuple[str, ...]:
        """Return the fields in which the group's runs differ so that a figure cannot be averaged over them."""
        return comparable_values(column, self.rows)[1]

    def as_json(self) -> dict[str, Any]:
        """Return the stable form of `ls --group --json`: mean, std, n and interval of each figure that was averaged,
        and for the others the fields that forbid it."""
        found = {figure: self.spread(figure) for figure in GROUPED}
        averaged = {figure: spread.as_json() for figure, spread in found.items() if spread}
        forbidden = {figure: list(self.differing(figure)) for figure in GROUPED if figure not in averaged}
        return {
            "group": self.column,
            "value": self.value,
            "runs": [row["name"] for row in self.rows],
            "averaged": [row["name"] for row in self.rows if not row_left_out(row)],
            "not_averaged": {figure: fields for figure, fields in forbidden.items() if fields},
            **averaged,
        }


def not_averaged(groups: Sequence[Group]) -> list[str]:
    """Return a sentence for each figure that was not averaged in some group, because its runs were measured
    differently."""
    said: list[str] = []
    for figure in GROUPED:
        differing = list(dict.fromkeys(name for group in groups for name in group.differing(figure)))
        if differing:
            title = METRICS[figure].title
            said.append(f"{title} is not averaged where runs of a group differ in {', '.join(differing)}")
    return said


def group_rows(rows: list[Row], column: str) -> list[Group]:
    """Groups in the order of their first row; the rows keep theirs."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        value = row.get(column)
        if column == "tags":
            value = ",".join(sorted(tag for tag in str(value or "").split(",") if tag))
        found.setdefault(value, []).append(row)
    return [Group(column, value, tuple(members)) for value, members in found.items()]


def spread_text(column: str, found: Spread | None) -> str:
    """`83.2 ± 0.4%`, `5.12 ± 0.03`, or the value alone where there is one."""
    if found is None:
        return "–"
    if column in METRICS and METRICS[column].unit == "share":
        return spread(found.mean, found.std)
    return plus_minus(found.mean, found.std)
