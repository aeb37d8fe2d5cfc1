"""Runs side by side: what differed, which is better, and their curves over one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

from simclr_tui.catalog.compare import Comparison, Measure, compare
from simclr_tui.errors import SimclrError
from simclr_tui.store.decimate import decimate
from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE
from simclr_tui.text import safe
from simclr_tui.tui.actions import bindings
from simclr_tui.tui.look import WIDTHS, draws_unicode, run_colour, state_glyph
from simclr_tui.tui.metrics import view_of
from simclr_tui.tui.snapshots import Panel, Series
from simclr_tui.tui.widgets.curves import AXES
from simclr_tui.tui.widgets.panels import Panels
from simclr_tui.tui.widgets.recipe_view import value_text

if TYPE_CHECKING:
    from simclr_tui.tui.app import Dashboard

_CURVES = ("loss", "knn")
_CELLS = 16  # of one run's column
_WIDE = 22  # of a group's: a mean and a deviation
_AGAIN = 2.0  # seconds between two readings


class CompareScreen(Screen[None]):
    """Reads the runs anew every other second, off the screen's thread."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("compare")]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    app: Dashboard

    def __init__(self, runs: list[Run]) -> None:
        super().__init__()
        self._runs = runs
        self._axis = 0
        self._comparison: Comparison | None = None
        self._reading = False

    def compose(self) -> ComposeResult:
        yield Static(Text(" Compare", style="bold"), id="form-title")
        with VerticalScroll(id="compare-scroll"):
            yield Static(Text("reading…", style="dim"), id="compare-text")
        with Vertical(id="compare-charts"):
            yield Panels()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._read()
        self._timer = self.set_interval(_AGAIN, self._read)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def _read(self) -> None:
        if not self._reading:
            self._reading = True
            self.run_worker(self._compare, thread=True)

    def _compare(self) -> None:
        try:
            comparison = compare(self._runs)
        except SimclrError as error:
            self.app.call_later(self._failed, error)
        else:
            self.app.call_later(self._show, comparison)

    def _failed(self, error: SimclrError) -> None:
        if not self.is_attached:
            return
        self._timer.stop()
        self.query_one("#compare-text", Static).update(Text(safe(str(error)), style="bold red"))

    def _show(self, comparison: Comparison) -> None:
        self._reading = False
        if self.is_attached:
            self._comparison = comparison
            self.query_one("#compare-text", Static).update(comparison_text(comparison))
            self._draw()
            if not any(state.state in ACTIVE for state in comparison.states):
                self._timer.stop()

    def _draw(self) -> None:
        if self._comparison is not None:
            panels = self.query_one(Panels)
            columns = max(8, panels.size.width // panels.shape[0])
            self.query_one(Panels).show(tuple(self._panel(metric, columns) for metric in _CURVES))

    def _panel(self, metric: str, columns: int) -> Panel:
        assert self._comparison is not None
        axis, scale = AXES[self._axis], view_of(metric).scale
        found: list[Series] = []
        for run, history in zip(self._comparison.runs, self._comparison.histories, strict=True):
            xs, ys = decimate(history, metric, columns, axis)
            last = history.last(metric)
            found.append(
                Series(
                    safe(run.name),
                    run_colour(run.name),
                    tuple(xs),
                    tuple(y * scale for y in ys),
                    last=None if last is None else last * scale,
                )
            )
        return Panel(metric, view_of(metric).heading, tuple(found), axis)

    def action_axis(self) -> None:
        self._axis = (self._axis + 1) % len(AXES)
        self._draw()

    def action_cancel(self) -> None:
        self.dismiss()


def comparison_text(comparison: Comparison) -> Text:
    """A table: runs across; state, differing fields, measures down. The better value has a star and is bold."""
    text = Text(no_wrap=True)
    _row(text, "", [(safe(run.name), f"bold {run_colour(run.name)}") for run in comparison.runs])
    _row(text, "", [(f"{state_glyph(state.state)} {state.state}", "not bold") for state in comparison.states])
    text.append("\nwhat differs\n", "dim")
    for name, values in comparison.differences.items():
        _row(text, name, [(value_text(value), "not bold") for value in values])
    if not comparison.differences:
        text.append("  nothing: the same recipe\n")
    text.append("\nwhat came of it\n", "dim")
    star = "★" if draws_unicode() else "*"
    for measure in comparison.measures:
        if any(value is not None for value in measure.values):
            _row(text, measure.name, [_cell(measure, index, star) for index in range(len(measure.values))])
    if comparison.repeated:
        text.append("\nover seeds: mean ± standard deviation\n", "dim")
        for group in comparison.seeds:
            text.append(f"  {safe(comparison.group_title(group))}\n", run_colour(comparison.runs[group.places[0]].name))
        for name, cells, better in comparison.group_rows():
            _row(text, name, [_starred(safe(cell), place == better, star) for place, cell in enumerate(cells)], _WIDE)
    return text


def _starred(words: str, better: bool, star: str) -> tuple[str, str]:
    return (f"{words} {star}", "bold") if better else (words, "not bold")


def _cell(measure: Measure, index: int, star: str) -> tuple[str, str]:
    return _starred(measure.words(index), measure.better == index, star)


def _row(text: Text, title: str, cells: list[tuple[str, str]], width: int = _CELLS) -> None:
    text.append(f"  {title:<18}", "not bold")
    for words, style in cells:
        cut = words if len(words) < width else words[: width - 2] + "…"
        text.append(f"{cut:<{width}}", style)
    text.append("\n")
