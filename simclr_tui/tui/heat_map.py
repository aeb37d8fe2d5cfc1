"""Draw kNN accuracy over the two fields in which compared runs differ, as a table of shaded cells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.color import Color

from simclr_tui.catalog.compare import Comparison
from simclr_tui.catalog.measures import Measure
from simclr_tui.recipe.fields import Value
from simclr_tui.text import value_text

Pair = tuple[Value | None, Value | None]
"""Values of two fields."""

_LEAST = 4  # runs and different pairs of values, at least
_CELL = 9  # cells of a column, at least
_LOW, _HIGH = Color.parse("#23395d"), Color.parse("#2fa866")


def heat_map(comparison: Comparison) -> Text | None:
    """Return the map, with the mean over runs of the same two values; None unless exactly two fields differ.

    Seeds do not count as a field, and runs that failed or collapsed have no value. There is no map where
    the accuracies cannot be compared, as over different data: no shade would be better than another.
    """
    fields = [name for name in comparison.differences if name != "seed"]
    measure = next((one for one in comparison.measures if one.metric == "knn_best"), None)
    if len(fields) != 2 or measure is None or not measure.comparable:
        return None
    pairs = list(zip(*(comparison.differences[name] for name in fields), strict=True))
    found = _means(comparison, measure, pairs)
    return draw_heat_map(fields[0], fields[1], found) if len(found) >= _LEAST else None


def draw_heat_map(down: str, across: str, found: Mapping[Pair, float]) -> Text:
    """Return kNN accuracies (0–1) by the values of two fields, in %, the better the greener."""
    rows, columns = (_ordered({pair[side] for pair in found}) for side in (0, 1))
    text = Text(no_wrap=True).append(f"\nkNN % by {down} (down) and {across} (across)\n", "dim")
    heads, titles = ([value_text(value) for value in values] for values in (rows, columns))
    left, width = (max(_CELL, *(cell_len(words) + 1 for words in one)) for one in (heads, titles))
    text.append(" " * left, "not bold")
    for title in titles:
        text.append(_right(title, width), "not bold")
    for row, head in zip(rows, heads, strict=True):
        text.append(f"\n{_right(head, left)}", "not bold")
        for column in columns:
            text.append_text(_cell(found, (row, column), width))
    return text.append("\n")


def _means(comparison: Comparison, measure: Measure, pairs: list[Pair]) -> dict[Pair, float]:
    values: dict[Pair, list[float]] = {}
    for index, pair in enumerate(pairs):
        value = measure.values[index]
        if value is not None and math.isfinite(value) and not comparison.left_out[index]:
            values.setdefault(pair, []).append(value)
    return {pair: fmean(known) for pair, known in values.items()}


def _ordered(values: set[Value | None]) -> list[Value | None]:
    return sorted(values, key=lambda value: (not isinstance(value, int | float), value if value is not None else ""))


def _right(words: str, width: int) -> str:
    return " " * (width - cell_len(words)) + words


def _cell(found: Mapping[Pair, float], pair: Pair, width: int) -> Text:
    value = found.get(pair)
    if value is None:
        return Text(f"{'–':>{width}}", "dim")
    low, high = min(found.values()), max(found.values())
    shade = _LOW.blend(_HIGH, (value - low) / (high - low) if high > low else 1.0)
    return Text(f"{100 * value:>{width - 1}.1f} ", Style(color="white", bgcolor=shade.hex, bold=value == high))
