"""The text of the Recipe tab: a row per field, with a column for the run and for each run beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells
from rich.text import Text

from simclr_tui.recipe.fields import Field, fields
from simclr_tui.recipe.resolve import Resolved
from simclr_tui.text import safe, value_text
from simclr_tui.tui.charts.render import letter
from simclr_tui.tui.feed.messages import Detail
from simclr_tui.tui.wrapping import wrapped

_OTHERS = 3  # marked runs beside the current one, at most
_TITLE = 17  # cells for the sign of a difference and a field's name
_SOURCE = 13  # cells for where a value came from
_GAP = 2  # cells between columns
_LEAST = 10  # cells of a column


def recipe_text(detail: Detail | None, width: int, *, only_differences: bool) -> Text:
    """Return the recipe in lines of `width` cells, with the marked runs beside it."""
    if detail is None or not detail.run:
        return Text("no data yet", style="dim")
    if detail.resolved is None:
        return Text(safe(detail.problem) or "no data yet", style="dim")
    return _Table(detail, detail.resolved, width).drawn(only_differences)


@dataclass(frozen=True)
class _Table:
    detail: Detail
    resolved: Resolved
    width: int

    def drawn(self, only_differences: bool) -> Text:
        rows = [(item, self._values(item)) for item in fields()]
        rows = [row for row in rows if not only_differences or _differ(row[1])]
        cells = self._cells([words for _, values in rows for words in values])
        text = Text(no_wrap=True)
        self._append_heads(text, cells)
        if not only_differences:
            self._append_evaluations(text)
        group = ""
        for item, values in rows:
            if item.group != group:
                group = item.group
                text.append(f"\n{group}\n", "dim")
            self._append_field(text, item, values, cells=cells)
        if not rows:
            several = len(self._names) > 1
            text.append(
                "\nno field differs\n" if several else "\nmark another run (space) to see what differs\n", "dim"
            )
        return text

    @property
    def _names(self) -> list[str]:
        return [self.detail.run, *(name for name, _ in self._others)]

    @property
    def _others(self) -> Sequence[tuple[str, Resolved]]:
        """Return the marked runs that have room beside this one."""
        fitting = (self.width - _TITLE - _SOURCE) // _LEAST - 1
        return self.detail.others[: max(1, min(_OTHERS, fitting))]

    def _values(self, item: Field) -> list[str]:
        recipes = [self.resolved.recipe, *(one.recipe for _, one in self._others)]
        return [value_text(getattr(recipe, item.key)) for recipe in recipes]

    def _cells(self, words: Sequence[str]) -> int:
        """Return the width of a column: that of its longest value, where all columns then fit."""
        fitting = (self.width - _TITLE - _SOURCE) // len(self._names)
        return max(_LEAST, min(fitting, max(map(cell_len, words), default=0) + _GAP))

    def _append_heads(self, text: Text, cells: int) -> None:
        """Append the run and its preset, and above several columns the name and the letter that the list shows."""
        names, colours, marked = self._names, self.detail.colours, self.detail.marked
        text.append(safe(names[0]), f"bold {colours[names[0]]}")
        text.append(f"  preset {safe(self.resolved.preset) or '–'}\n")
        if len(names) > 1:
            signs = {name: f"{letter(index)} " for index, name in enumerate(marked)} if len(marked) > 1 else {}
            heads = [signs.get(name, "") + safe(name) for name in names]
            text.append("\n")
            _append_row(text, Text(), heads, styles=[f"bold {colours[name]}" for name in names], cells=cells)
        left_out = len(self.detail.others) - len(self._others)
        if left_out:
            text.append(f"{left_out} more marked: = compares all\n", "dim")
        for name, problem in self.detail.unreadable:
            why = problem if problem.startswith(name) else f"{name}: {problem}"
            for line in wrapped(safe(why), self.width, first="", further="  "):
                text.append(f"{line}\n", "not bold red")

    def _append_evaluations(self, text: Text) -> None:
        if self.detail.evaluations:
            text.append("\nevaluations\n", "dim")
        for name, words in self.detail.evaluations:
            text.append(f"  {safe(name):<14} ", "bold").append(f"{safe(words)}\n", "not bold")

    def _append_field(self, text: Text, item: Field, values: list[str], *, cells: int) -> None:
        differs = _differ(values)
        source = safe(self.resolved.sources.get(item.key, "default"))
        chosen = source != "default" and not source.startswith("preset")
        styles = ["bold" if chosen or differs else "not bold"]
        for name, value in zip(self._names[1:], values[1:], strict=True):
            styles.append(f"not bold {self.detail.colours[name]}" if value != values[0] else "not bold dim")
        title = Text(f"{'≠' if differs else ' '} {item.short} ", "bold" if differs else "")
        end = Text(source, "not bold" if chosen else "not bold dim")
        _append_row(text, title, values, styles=styles, cells=cells, end=end)


def _differ(values: Sequence[str]) -> bool:
    return len(set(values)) > 1


def _append_row(
    text: Text, title: Text, values: Sequence[str], *, styles: Sequence[str], cells: int, end: Text | None = None
) -> None:
    """Append a value per column; one that is too long continues below: cut, it might look like another."""
    columns = [chop_cells(value, cells - _GAP) or [""] for value in values]
    for line in range(max(map(len, columns))):
        text.append_text(title if not line else Text())
        text.append(" " * (_TITLE - (title.cell_len if not line else 0)))
        for parts, style in zip(columns, styles, strict=True):
            words = parts[line] if line < len(parts) else ""
            text.append(words, style).append(" " * (cells - cell_len(words)))
        if end is not None and not line:
            text.append_text(end)
        text.append("\n")
