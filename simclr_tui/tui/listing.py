"""Which runs the list shows and in which order."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from simclr_tui.catalog.filter import Filter, parse_filter
from simclr_tui.catalog.row import Row, differing
from simclr_tui.store.store import natural_key
from simclr_tui.tui.look import STATES

_LOOKED_AT = 1000  # rows in which differing fields are looked for


NO_FILTER = Filter("", ())


@dataclass(frozen=True)
class Order:
    """A way to sort; `descending` is the useful direction."""

    name: str
    key: Callable[[Row], object]
    descending: bool


def _number(column: str, missing: float) -> Callable[[Row], object]:
    def key(row: Row) -> float:
        value = row.get(column)
        return float(value) if isinstance(value, int | float) and math.isfinite(value) else missing

    return key


def _progress(row: Row) -> float:
    return (row.get("step") or 0) / (row.get("steps") or math.inf)


ORDERS: tuple[Order, ...] = (
    Order("newest first", _number("created", 0.0), True),
    Order("best kNN first", _number("knn_best", -1.0), True),
    Order("lowest loss first", _number("loss", math.inf), False),
    Order("furthest first", _progress, True),
    Order("by name", lambda row: natural_key(row["name"]), False),
    Order("by state", lambda row: STATES.index(row["state"]) if row["state"] in STATES else 9, False),
)


@dataclass(frozen=True)
class Arrangement:
    """Filter and order of the list."""

    filter: Filter = NO_FILTER
    order: int = 0
    reverse: bool = False

    def filtered(self, text: str) -> Arrangement:
        """With another filter. Raises RecipeError when it cannot be read."""
        return replace(self, filter=parse_filter(text))

    def next_order(self) -> Arrangement:
        return replace(self, order=(self.order + 1) % len(ORDERS), reverse=False)

    @property
    def words(self) -> str:
        return ORDERS[self.order].name + (", reversed" if self.reverse else "")

    def apply(self, rows: tuple[Row, ...]) -> list[Row]:
        """The rows to show. Equal ones stand newest first."""
        chosen = [row for row in rows if self.filter(row)] if self.filter.tests else list(rows)
        order = ORDERS[self.order]
        chosen.sort(key=ORDERS[0].key, reverse=True)  # type: ignore[arg-type]
        chosen.sort(key=order.key, reverse=order.descending != self.reverse)  # type: ignore[arg-type]
        return chosen


def differing_fields(rows: list[Row]) -> tuple[str, ...]:
    """The recipe fields worth a column: those in which the shown runs differ, but for the seed's own sake."""
    readable = [row for row in rows[:_LOOKED_AT] if not row.get("error")]
    return tuple(differing(readable))
