"""Draw a run as one line: mark, state, name, kNN, and the fields that tell the shown runs apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from simclr_tui.catalog.row import Row, cell_text
from simclr_tui.display.glyphs import draws_unicode, state_glyph, state_style
from simclr_tui.store.metrics.metric_table import METRICS
from simclr_tui.text import safe
from simclr_tui.tui.runs.second_line import share_done, worst_flag

_SIGNS = 3  # cells before the name: its mark, its state, a pin or news
_STATUS = 13  # cells for `collapsed 41%`, where the list is wide
_KNN = 6  # cells for `100.0★`
_NAME = 24  # cells for a name, where the rest has room
_SHORTEST = 12  # cells for a name, at least
_FIELD = 14  # cells for a value, at most
_TITLE = 8  # cells for a title beyond its values, at most, where room is short
_TITLES = {"elapsed": "time", "created": "started"}
_WIDE = 70  # cells from which the state is spelled out, and names are shown in full


@dataclass(frozen=True)
class Layout:
    """Hold the width of each part, shared by every line of the list."""

    width: int
    name: int
    fields: tuple[tuple[str, int], ...]
    status: bool = False


def longest_name(rows: list[Row]) -> int:
    """Return the width of the longest name in cells."""
    return max((cell_len(safe(row["name"])) for row in rows), default=0)


def spells_states(width: int) -> bool:
    """Return whether a list of `width` cells has room to spell out the state and the progress of each run."""
    return width >= _WIDE


def lay_out(rows: list[Row], longest: int, fields: tuple[str, ...], *, width: int, needed: int = 0) -> Layout:
    """Divide `width` cells: kNN always, then the first `needed` fields, then the name and the fields that fit.

    Names give way before the needed fields do: they are shortened in the middle.
    """
    wide = spells_states(width)
    left = width - _SIGNS - _KNN - 1 - ((_STATUS + 1) if wide else 0)
    shortest = min(longest, _SHORTEST)
    first, left = _fitting(rows, fields[:needed], left, kept=shortest)
    comfortable = min(longest, 64 if wide else _NAME)
    # One field besides kNN is worth a shortened name; more are not.
    least = comfortable if wide or first else min(comfortable, max(shortest, left - 6))
    rest: tuple[tuple[str, int], ...] = ()
    if len(first) == needed:
        rest, left = _fitting(rows, fields[needed:], left, kept=least)
    return Layout(width, max(1, min(longest, left)), _with_whole_titles((*first, *rest), left - longest), wide)


def _with_whole_titles(fields: tuple[tuple[str, int], ...], spare: int) -> tuple[tuple[str, int], ...]:
    """Widen the columns whose titles would be cut, the first ones first, by what is left over of the width."""
    found: list[tuple[str, int]] = []
    for name, cells in fields:
        more = max(0, min(spare, len(title_of(name)) - cells))
        found.append((name, cells + more))
        spare -= more
    return tuple(found)


def _fitting(
    rows: list[Row], fields: tuple[str, ...], left: int, *, kept: int
) -> tuple[tuple[tuple[str, int], ...], int]:
    """Return the first fields that fit while `kept` cells remain, each with its width, and the cells left."""
    found: list[tuple[str, int]] = []
    for name in fields:
        values = {row.get(name) for row in rows[:1000]}  # of most fields few differ, and words take time
        cells = max([min(len(title_of(name)), _TITLE), *(cell_len(cell_text(name, value)) for value in values)])
        cells = min(cells, _FIELD)
        if left - cells - 1 < kept:
            break
        found.append((name, cells))
        left -= cells + 1
    return tuple(found), left


def title_of(column: str) -> str:
    """Return a column's title: a metric's short name, a field's own."""
    return METRICS[column].short if column in METRICS else _TITLES.get(column, column)


def heading(layout: Layout) -> Text:
    """Return the line above the runs."""
    words = [" " * _SIGNS + fit("run", layout.name)]
    if layout.status:
        words.append(fit("state", _STATUS))
    words.append(fit("kNN %", _KNN))
    words += [fit(title_of(name), cells, right=True) for name, cells in layout.fields]
    return Text(" ".join(words))


def heading_at(layout: Layout, column: int) -> str:
    """Return the catalog column whose heading is at a cell; empty where there is none."""
    at = _SIGNS + layout.name + 1
    if column < at:
        return "name"
    parts = ([("state", _STATUS)] if layout.status else []) + [("knn_best", _KNN), *layout.fields]
    for name, cells in parts:
        if at <= column < at + cells:
            return name
        at += cells + 1
    return ""


@dataclass(frozen=True)
class Signs:
    """Hold the signs beside names: colours of marked runs, pins, unseen news, the best runs."""

    marked: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # letter and colour
    pinned: frozenset[str] = frozenset()
    news: frozenset[str] = frozenset()
    best: frozenset[str] = frozenset()  # one of each kind that can be compared

    def after_glyph(self, name: str) -> str:
        """Return one cell: news matters more than a pin."""
        if name in self.news:
            return "!"
        return ("⌃" if draws_unicode() else "^") if name in self.pinned else " "


def run_line(row: Row, layout: Layout, signs: Signs, *, style: Callable[[str], Style]) -> Text:
    """Return a row as a line of the list; `style` gives the colour of running, finished, failed or quiet things."""
    mark = signs.marked.get(row["name"])
    kind = style("failed" if worst_flag(row) else state_style(row["state"]).theme)
    line = Text(no_wrap=True, end="")
    line.append(mark[0] if mark else " ", Style(color=mark[1], bold=True) if mark else "")
    sign = signs.after_glyph(row["name"])
    line.append(state_glyph(row["state"]), kind).append(
        sign, style("failed") + Style(bold=True) if sign == "!" else kind
    )
    line.append(shortened(safe(row["name"]), layout.name) + " ", Style(color=mark[1], bold=True) if mark else "")
    if layout.status:
        line.append(fit(_status(row), _STATUS) + " ", kind)
    line.append(_knn(row, row["name"] in signs.best))
    for name, cells in layout.fields:
        line.append(" " + fit(cell_text(name, row.get(name)), cells, right=True), style("quiet"))
    return line


def _status(row: Row) -> str:
    """Return the state's word, with the progress of an unfinished run, or a flag that matters more."""
    state = str(row["state"])
    state = worst_flag(row) or state
    if state == "queued" and row.get("place"):
        return f"queued {row['place']}"
    if row["state"] in ("finished", "queued", "starting") or not row.get("steps"):
        return state
    return f"{state} {min(99, int(100 * share_done(row)))}%"


def _knn(row: Row, best: bool) -> str:
    value = row.get("knn_best")
    value = row.get("knn") if value is None else value
    if not isinstance(value, float | int) or not math.isfinite(value):
        return fit("–", _KNN - 1, right=True) + " "
    star = "★" if draws_unicode() else "*"
    return f"{100 * value:5.1f}{star if best else ' '}"


def shortened(text: str, cells: int) -> str:
    """Return a name in exactly `cells` cells; a long one loses its middle, since names differ at their ends."""
    if cell_len(text) <= cells:
        return fit(text, cells)
    head = (cells - 1) // 2
    tail, end = cells - 1 - head, ""
    for char in reversed(text):
        if cell_len(char + end) > tail:
            break
        end = char + end
    return fit(set_cell_size(text, head).rstrip() + "…" + end, cells)


def whole_parts(text: str, cells: int, between: str = "  ") -> str:
    """Return the first of the parts, which `between` separates, that fit: half a number says nothing."""
    parts = text.split(between)
    while len(parts) > 1 and cell_len(between.join(parts)) > cells:
        parts.pop()
    return between.join(parts)


def fit(text: str, cells: int, right: bool = False) -> str:
    """Return the text in exactly `cells` cells, cut with an ellipsis."""
    wide = cell_len(text)
    if wide > cells:
        return set_cell_size(text, max(0, cells - 1)) + "…"
    return " " * (cells - wide) + text if right else text + " " * (cells - wide)
