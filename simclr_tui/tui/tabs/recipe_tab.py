"""The Recipe tab: every field with its value and source, and the values of the marked runs where they differ."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.reactive import reactive
from textual.widgets import Static

from simclr_tui.display.colours import run_colour
from simclr_tui.recipe.fields import Field, Value, fields
from simclr_tui.recipe.resolve import Resolved
from simclr_tui.text import number, safe
from simclr_tui.tui.action_screen import Doers
from simclr_tui.tui.feed.messages import Detail, Snapshot

_OTHERS = 3  # marked runs that have room beside the current one


class RecipeTab(VerticalScroll, can_focus=True):
    """Show the recipe as text; `only_differences` leaves out the fields on which all shown runs agree."""

    only_differences: reactive[bool] = reactive(False)

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: object = None
        self._detail: Detail | None = None
        self.doers: Doers = {"view": self.toggle_differences}

    def take(self, snapshot: Snapshot) -> None:
        """Show a run's recipe."""
        if isinstance(snapshot, Detail):
            self.show(snapshot)

    def clear(self) -> None:
        """Show no recipe."""
        self.show(None)

    def toggle_differences(self) -> None:
        """Toggle between the fields that differ and all fields."""
        self.only_differences = not self.only_differences

    def compose(self) -> ComposeResult:
        yield Static("no data yet", id="recipe-text")

    def show(self, detail: Detail | None) -> None:
        self._detail = detail
        key = (detail.run, detail.resolved, detail.others, detail.problem, detail.evaluations) if detail else None
        if key != self._shown:
            self._shown = key
            self._write()

    def watch_only_differences(self) -> None:
        if self.is_mounted:
            self._write()

    def _write(self) -> None:
        self.query_one("#recipe-text", Static).update(_text(self._detail, self.only_differences))


def value_text(value: Value | None) -> str:
    """Return a field's value as shown everywhere, `–` for an unknown one."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) else safe(value)


def _text(detail: Detail | None, only_differences: bool) -> Text:
    if detail is None or not detail.run:
        return Text("no data yet", style="dim")
    if detail.resolved is None:
        return Text(safe(detail.problem) or "no data yet", style="dim")
    others = detail.others[:_OTHERS]
    text = Text(no_wrap=True).append(safe(detail.run), f"bold {run_colour(detail.run)}")
    text.append(f"  preset {safe(detail.resolved.preset) or '–'}\n")
    for name, _ in others:
        text.append(f"beside {safe(name)}\n", run_colour(name))
    if detail.evaluations and not only_differences:
        text.append("\nevaluations\n", "dim")
    for name, words in detail.evaluations if not only_differences else ():
        text.append(f"  {safe(name):<14} ", "bold").append(f"{safe(words)}\n", "not bold")
    group = ""
    for item in fields():
        line = _line(item, detail.resolved, others, only_differences=only_differences)
        if line is None:
            continue
        if item.group != group:
            group = item.group
            text.append(f"\n{group}\n", "dim")
        text.append_text(line)
    if only_differences and not group:
        text.append("\nno field differs\n" if others else "\nmark another run (space) to see what differs\n", "dim")
    return text


def _line(
    item: Field, resolved: Resolved, others: tuple[tuple[str, Resolved], ...], *, only_differences: bool
) -> Text | None:
    value = getattr(resolved.recipe, item.key)
    rest = [(name, getattr(other.recipe, item.key)) for name, other in others]
    differs = any(other != value for _, other in rest)
    if only_differences and not differs:
        return None
    source = safe(resolved.sources.get(item.key, "default"))
    chosen = source != "default" and not source.startswith("preset")
    line = Text(f"{'≠' if differs else ' '} {item.short:<14} ", style="bold" if differs else "")
    line.append(f"{value_text(value):<16} ", "bold" if chosen or differs else "not bold")
    for name, other in rest:
        line.append(f"{value_text(other):<16} ", f"not bold {run_colour(name)}" if other != value else "not bold dim")
    line.append(f"{source}\n", "not bold" if chosen else "not bold dim")
    return line
