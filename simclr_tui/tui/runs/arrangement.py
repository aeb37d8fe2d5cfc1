"""The arrangement of the list: filter, order, groups and columns."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from simclr_tui.catalog.arrange import (
    PROGRESS,
    Group,
    descends,
    find_order,
    group_rows,
    groupable,
    sort_rows,
    spread_text,
)
from simclr_tui.catalog.filter import Filter, parse_filter
from simclr_tui.catalog.row import Row, cell_text, columns, differing, parse_columns
from simclr_tui.errors import RecipeError
from simclr_tui.store.metrics.metric_table import METRICS
from simclr_tui.tui.view_state import Layout

_LOOKED_AT = 1000  # rows searched for differing fields
_ALWAYS_SHOWN = ("name", "state", "created", "knn_best", "step", PROGRESS)

NO_FILTER = Filter("", ())


@dataclass(frozen=True)
class Arrangement:
    """Hold the choices for the list. An empty `group` means none; empty `columns`, the fields that differ."""

    filter: Filter = NO_FILTER
    order: str = "created"
    descending: bool = True
    group: str = ""
    columns: tuple[str, ...] = ()
    pinned: tuple[str, ...] = ()

    @classmethod
    def left_as(cls, left: Layout) -> Arrangement:
        """Return the arrangement that a layout holds; a column that no longer exists is left out."""
        found = cls(descending=left.list_descending, pinned=left.list_pinned)
        with contextlib.suppress(RecipeError):
            found = replace(found, order=find_order(left.list_order)[0])
        with contextlib.suppress(RecipeError):
            found = replace(found, columns=parse_columns(" ".join(left.list_columns)))
        return replace(found, group=left.list_group if left.list_group in groupable() else "")

    @property
    def left(self) -> dict[str, object]:
        """Return the fields of the layout to keep for the next session; the filter is not kept."""
        return {
            "list_order": self.order,
            "list_descending": self.descending,
            "list_group": self.group,
            "list_columns": self.columns,
            "list_pinned": self.pinned,
        }

    def filtered(self, text: str) -> Arrangement:
        """Return the arrangement with another filter. Raises RecipeError when it is invalid."""
        return replace(self, filter=parse_filter(text))

    def sorted_by(self, column: str) -> Arrangement:
        """Return it sorted by another column, in the useful direction; by the same column, reversed."""
        column, _ = find_order(column)
        if column == self.order:
            return self.reversed()
        return replace(self, order=column, descending=descends(column))

    def reversed(self) -> Arrangement:
        return replace(self, descending=not self.descending)

    def with_pin(self, name: str) -> Arrangement:
        """Return it with a run pinned, or unpinned if it was."""
        kept = tuple(one for one in self.pinned if one != name)
        return replace(self, pinned=kept if name in self.pinned else (*kept, name))

    def renamed(self, old: str, new: str) -> Arrangement:
        return replace(self, pinned=tuple(new if name == old else name for name in self.pinned))

    @property
    def words(self) -> str:
        """Return the order in words (`best kNN first`), and the grouping."""
        if self.order == "created":
            ways = ("newest first", "oldest first")
        elif columns().get(self.order) is str:
            ways = (f"{self.order}, z to a", f"{self.order}, a to z")
        elif self.order in METRICS and METRICS[self.order].better:
            short = _short(self.order)
            ways = (f"best {short} first", f"worst {short} first")
            ways = ways if METRICS[self.order].better == "highest" else ways[::-1]
        else:
            ways = (f"{self.order}, highest first", f"{self.order}, lowest first")
        return ways[not self.descending] + (f" · by {self.group}" if self.group else "")

    def apply(self, rows: tuple[Row, ...]) -> list[Row]:
        """Return the rows to show, pinned ones first. Ties stand newest first."""
        chosen = [row for row in rows if self.filter(row)] if self.filter.tests else list(rows)
        if self.order != "created":
            chosen = sort_rows(chosen, "created", True)
        chosen = sort_rows(chosen, self.order, self.descending)
        if self.pinned:
            known = {row["name"]: row for row in rows if row["name"] in self.pinned}
            first = [known[name] for name in self.pinned if name in known]
            chosen = first + [row for row in chosen if row["name"] not in known]
        return _next_on_top(chosen)

    def shown_columns(self, differing: tuple[str, ...]) -> tuple[str, ...]:
        """Return the chosen columns, else the sort column and the fields that differ."""
        rest = tuple(name for name in differing if name != self.order)
        return self.columns or ((self.order, *rest) if self._sorts_by_own_column else rest)

    @property
    def needed_columns(self) -> int:
        """Return how many of the shown columns must be visible, whatever width the names need."""
        return len(self.columns) or int(self._sorts_by_own_column)

    @property
    def _sorts_by_own_column(self) -> bool:
        return self.order not in _ALWAYS_SHOWN

    def groups(self, rows: list[Row]) -> list[Group]:
        """Return the shown rows in groups, pinned ones first in their group."""
        return group_rows(rows, self.group) if self.group else []


def _next_on_top(rows: list[Row]) -> list[Row]:
    """Return the rows with the queued ones in the order in which they will start."""
    waiting = sorted((row for row in rows if _waits(row)), key=lambda row: row["place"])
    return [waiting.pop(0) if _waits(row) else row for row in rows] if len(waiting) > 1 else rows


def _waits(row: Row) -> bool:
    return row["state"] == "queued" and bool(row.get("place"))


def group_headings(groups: list[Group], arrangement: Arrangement) -> dict[int, str]:
    """Return the heading above each group's first row: its value, its number of runs, and mean ± std of kNN."""
    headings: dict[int, str] = {}
    index = 0
    figures = dict.fromkeys((arrangement.order, "knn_best", "loss"))
    for group in groups:
        parts = [f"{group.column} {cell_text(group.column, group.value)}", f"n={group.count}"]
        for figure in figures:
            spread = None if figure in ("created", group.column) else group.spread(figure)
            if spread:
                parts.append(f"{_short(figure)} {spread_text(figure, spread)}")
        headings[index] = "  ".join(parts)
        index += len(group.rows)
    return headings


def _short(column: str) -> str:
    """Return a column's name in a line of words; the list's kNN is the best of each run, as its heading is."""
    return "kNN" if column == "knn_best" else METRICS[column].short if column in METRICS else column


def differing_fields(rows: list[Row]) -> tuple[str, ...]:
    """Return the recipe fields worth a column: those in which the shown runs differ, most values first.

    Runs that differ in the seed alone do not give the seed a column.
    """
    readable = [row for row in rows[:_LOOKED_AT] if not row.get("error")]
    found = differing(readable)
    values = {name: len({str(row.get(name)) for row in readable}) for name in found}
    return tuple(sorted(found, key=lambda name: -values[name]))
