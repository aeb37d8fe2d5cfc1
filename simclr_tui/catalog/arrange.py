"""Sort and group rows for `ls --sort --group` and the dashboard's list."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from simclr_tui.catalog.row import Row, columns, find_column
from simclr_tui.catalog.spread import Spread, spread_of
from simclr_tui.recipe.fields import fields
from simclr_tui.store.comparable import DIGESTS, EVALUATED_DIGESTS, comparable_values, row_left_out
from simclr_tui.store.metrics.metric_table import COLUMNS, GROUPED, METRICS
from simclr_tui.store.names import natural_key
from simclr_tui.store.state import STATES
from simclr_tui.text import plus_minus, spread

PROGRESS = "progress"  # a sort key that is not a column: the fraction of the steps that are done
_HIDDEN = {"path", "fingerprint", "git_commit", *DIGESTS.values(), *EVALUATED_DIGESTS.values()}
_HIGHEST_FIRST = {"created", PROGRESS, "step", "steps", *(one.name for one in COLUMNS if one.better != "lowest")}


def sortable() -> tuple[str, ...]:
    """Return all names that rows can be sorted by: the figures first, then the recipe's fields, then the rest."""
    first = ("created", "knn_best", "loss", PROGRESS, "name", "state")
    figures = [metric.name for metric in COLUMNS if metric.name not in first]
    recipe = [item.short for item in fields()]
    rest = [name for name in columns() if name not in {*first, *figures, *recipe, *_HIDDEN}]
    return (*first, *figures, *recipe, *rest)


def groupable() -> tuple[str, ...]:
    """Return all columns that rows can be grouped by."""
    return ("tags", "state", "preset", *(item.short for item in fields()))


def find_order(word: str) -> tuple[str, bool]:
    """Return a column to sort by, and whether the order descends.

    A metric's better values come first, and the lowest values of anything else; `-` before the name reverses that.
    Raises RecipeError for an unknown name.
    """
    name = word.removeprefix("-")
    column = name if name == PROGRESS else find_column(name, "sort by")
    better_first = column in METRICS and descends(column)
    return column, better_first != word.startswith("-")


def columns_read(column: str) -> frozenset[str]:
    """Return the columns that sorting by one reads."""
    return frozenset({"step", "steps"} if column == PROGRESS else {column})


def descends(column: str) -> bool:
    """Return whether the useful order has the highest value first."""
    return column in _HIGHEST_FIRST


def sort_rows(rows: list[Row], column: str, descending: bool) -> list[Row]:
    """Return the rows in a stable order; those without a value come last in either direction."""
    if column != PROGRESS and columns()[column] is not str:
        values: list[Any] = [row.get(column) for row in rows]
        if None not in values and all(map(math.isfinite, values)):  # as in most lists, and half the time
            order = sorted(range(len(rows)), key=values.__getitem__, reverse=descending)
            return [rows[index] for index in order]
    key = _key(column)
    keyed = [(key(row), row) for row in rows]
    known = [pair for pair in keyed if pair[0] is not None]
    known.sort(key=itemgetter(0), reverse=descending)
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
    return lambda row: value if (value := row.get(column)) is not None and math.isfinite(value) else None


@dataclass(frozen=True)
class Group:
    """Hold the rows that have the same value in `column`; for `tags`, the same set of tags."""

    column: str
    value: Any
    rows: tuple[Row, ...]

    @property
    def sound(self) -> int:
        """Return how many of the runs finished and are healthy, and so are averaged."""
        return sum(not row_left_out(row) for row in self.rows)

    @property
    def count(self) -> str:
        """Return the number of runs in words: `5`, or `5 of 8` if the other three are not averaged."""
        return str(self.sound) if self.sound == len(self.rows) else f"{self.sound} of {len(self.rows)}"

    def spread(self, column: str) -> Spread | None:
        """Return mean and deviation of a figure over the group's healthy finished runs.

        Return None if no run has it, or if the runs were measured differently (see `differing`).
        """
        values, differently = comparable_values(column, self.rows)
        return None if differently else spread_of(values)

    def differing(self, column: str) -> tuple[str, ...]:
        """Return the fields whose differences keep a figure from being averaged over the group's runs."""
        return comparable_values(column, self.rows)[1]

    def as_json(self) -> dict[str, Any]:
        """Return the stable form of `ls --group --json`.

        It holds mean, std, n and interval of each averaged figure, and the fields that keep the others from being
        averaged.
        """
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
    """Return a sentence for each figure that was not averaged in a group whose runs were measured differently."""
    sentences: list[str] = []
    for figure in GROUPED:
        differing = list(dict.fromkeys(name for group in groups for name in group.differing(figure)))
        if differing:
            title = METRICS[figure].title
            sentences.append(f"{title} is not averaged where runs of a group differ in {', '.join(differing)}")
    return sentences


def group_rows(rows: list[Row], column: str) -> list[Group]:
    """Return the groups in the order of their first rows; the rows of each keep their order."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        value = row.get(column)
        if column == "tags":
            value = ",".join(sorted(tag for tag in str(value or "").split(",") if tag))
        found.setdefault(value, []).append(row)
    return [Group(column, value, tuple(members)) for value, members in found.items()]


def spread_text(column: str, found: Spread | None) -> str:
    """Return `83.2 ± 0.4%` or `5.12 ± 0.03`, or only the value if there is just one."""
    if found is None:
        return "–"
    if column in METRICS and METRICS[column].unit == "share":
        return spread(found.mean, found.std)
    return plus_minus(found.mean, found.std)
