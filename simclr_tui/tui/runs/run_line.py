"""One run as one line: mark, state, name, progress, kNN, and the fields in which the runs differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from simclr_tui.catalog.row import Row, cell_text
from simclr_tui.display.colours import run_colour
from simclr_tui.display.glyphs import draws_unicode, state_glyph, state_style
from simclr_tui.store.state import FLAGS
from simclr_tui.text import safe

_STATUS = 14  # cells: `finished` or `collapsed 41%`
_KNN = 5
_BAR = 10
_NAME = (6, 24)
_FIELD = 14  # cells a value may take
_TITLE = 8  # cells a title takes beyond its values, at most


@dataclass(frozen=True)
class Layout:
    """How wide each part is; the same for every line of the list."""

    width: int
    name: int
    fields: tuple[tuple[str, int], ...]
    knn: bool = True
    bar: bool = False


def longest_name(rows: list[Row]) -> int:
    """In cells."""
    return max((cell_len(safe(row["name"])) for row in rows), default=0)


def lay_out(rows: list[Row], longest: int, fields: tuple[str, ...], width: int, chosen: bool = False) -> Layout:
    """Give the name what it needs (`longest`), then kNN, a bar where there is plenty, then as many fields as fit;
    fields that the user has chosen come before both."""
    name = max(_NAME[0], min(_NAME[1], longest, width - 3 - _STATUS))
    left = width - 3 - name - 1 - _STATUS
    fitting, after = _fitting(rows, fields, left) if chosen else ((), left)
    left = after
    knn = left >= _KNN
    left -= (_KNN + 1) if knn else 0
    bar = left >= 3 * (_BAR + 1) and not chosen
    left -= (_BAR + 1) if bar else 0
    if not chosen:
        fitting, left = _fitting(rows, fields, left)
    return Layout(width, name, fitting, knn, bar)


def _fitting(rows: list[Row], fields: tuple[str, ...], left: int) -> tuple[tuple[tuple[str, int], ...], int]:
    """The first fields that fit into so many cells, each with its own, and the cells that are left."""
    found: list[tuple[str, int]] = []
    for field in fields:
        cells = max([min(len(field), _TITLE), *(cell_len(cell_text(field, row.get(field))) for row in rows[:1000])])
        cells = min(cells, _FIELD)
        if cells + 1 > left:
            break
        found.append((field, cells))
        left -= cells + 1
    return tuple(found), left


def heading(layout: Layout) -> Text:
    """The line above the runs."""
    words = ["   " + _fit("run", layout.name), _fit("state", _STATUS - 1)]
    if layout.bar:
        words.append(" " * _BAR)
    if layout.knn:
        words.append("kNN %")
    words += [_fit(field, cells, right=True) for field, cells in layout.fields]
    return Text(" ".join(words))


@dataclass(frozen=True)
class Signs:
    """The runs that have a sign before their name: marked to be drawn, pinned on top, with news not yet looked at."""

    marked: frozenset[str] = frozenset()
    pinned: frozenset[str] = frozenset()
    news: frozenset[str] = frozenset()

    def after_glyph(self, name: str) -> str:
        """One cell: news matters more than a pin."""
        if name in self.news:
            return "!"
        return ("⌃" if draws_unicode() else "^") if name in self.pinned else " "


def run_line(row: Row, layout: Layout, signs: Signs, style: Callable[[str], Style]) -> Text:
    """A row as a line of the list; `style` gives the colour of running, finished, failed or quiet things."""
    marked = row["name"] in signs.marked
    state = row["state"]
    kind = style(state_style(state).theme)
    colour = run_colour(row["name"])
    line = Text(no_wrap=True, end="")
    line.append(("▐" if draws_unicode() else "#") if marked else " ", Style(color=colour))
    sign = signs.after_glyph(row["name"])
    line.append(state_glyph(state), kind).append(sign, style("failed") + Style(bold=True) if sign == "!" else kind)
    line.append(_fit(safe(row["name"]), layout.name) + " ", Style(color=colour, bold=True) if marked else "")
    line.append(_fit(_status(row), _STATUS - 1), kind)
    if layout.bar:
        line.append(" " + _bar(_share(row)), kind)
    if layout.knn:
        line.append(" " + _knn(row))
    for field, cells in layout.fields:
        line.append(" " + _fit(cell_text(field, row.get(field)), cells, right=True), style("quiet"))
    return line


def _share(row: Row) -> float:
    return min(1.0, (row.get("step") or 0) / row["steps"]) if row.get("steps") else 0.0


def _status(row: Row) -> str:
    """The word of the state, with what is done of a run that has not ended well, or the flag that matters more."""
    state, flags = str(row["state"]), str(row.get("flags") or "").split(",")
    if state in ("running", "failed"):
        state = next((flag for flag in FLAGS if flag in flags), state)
    if state == "queued" and row.get("place"):
        return f"queued {row['place']}"
    if state in ("finished", "queued", "starting") or not row.get("steps"):
        return state
    return f"{state} {min(99, int(100 * _share(row)))}%"


def _knn(row: Row) -> str:
    best = row.get("knn_best")
    best = row.get("knn") if best is None else best
    return f"{100 * best:5.1f}" if isinstance(best, float | int) and best == best else "    –"


def _bar(share: float) -> str:
    full = int(share * _BAR)
    return "━" * full + "─" * (_BAR - full) if draws_unicode() else "=" * full + "-" * (_BAR - full)


def _fit(text: str, cells: int, right: bool = False) -> str:
    """Exactly so many cells, cut with an ellipsis."""
    wide = cell_len(text)
    if wide > cells:
        return set_cell_size(text, max(0, cells - 1)) + "…"
    return " " * (cells - wide) + text if right else text + " " * (cells - wide)
