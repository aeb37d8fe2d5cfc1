"""Compare runs side by side: what differs, which is better, and their curves overlaid."""

from __future__ import annotations

import math
import textwrap
import threading
from typing import ClassVar

import msgspec
from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from simclr_tui.catalog.compare import Comparison, Measure, compare
from simclr_tui.display.colours import colours_of
from simclr_tui.display.glyphs import draws_unicode, state_glyph
from simclr_tui.errors import SimclrError
from simclr_tui.store.comparable import measured_by
from simclr_tui.store.metrics.metric_table import CHARTED, METRICS
from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE
from simclr_tui.text import number, safe, size
from simclr_tui.tui.action_screen import ActionScreen, Doer
from simclr_tui.tui.actions import bindings
from simclr_tui.tui.breakpoints import WIDTHS
from simclr_tui.tui.charts.chart_tab import ChartTab
from simclr_tui.tui.charts.controller import ChartsController
from simclr_tui.tui.charts.curves_tab import CurvesTab
from simclr_tui.tui.feed.curve_page import curve_page
from simclr_tui.tui.feed.curve_reader import CurveReader
from simclr_tui.tui.feed.messages import Curves
from simclr_tui.tui.feed.run_reader import BUDGET
from simclr_tui.tui.heat_map import heat_map
from simclr_tui.tui.host import Host
from simclr_tui.tui.key_line import KeyLine
from simclr_tui.tui.runs.run_line import shortened
from simclr_tui.tui.tabs.recipe_tab import value_text
from simclr_tui.tui.view_state import Layout, ViewState

_CURVES = f"{' '.join(CHARTED)} -loss_scale"  # metrics shown at first
_TITLE = 18  # width of the names of fields and measures
_CELLS, _MOST = 16, 30  # width of a run's column, at least and at most
_ROOMY = 24  # width from which a value is followed by its difference from the first run's
_BESIDE = 9  # width of that difference
_WIDE = 22  # width of a group's column: mean and deviation
_LINE = 76  # characters per line of a sentence: fits any terminal that can show the table
_AGAIN = 2.0  # seconds between two reads


class CompareScreen(ActionScreen[None]):
    """A comparison, reread every two seconds off the screen's thread. Its charts have the keys of the Curves tab."""

    where = "compare"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("compare")]
    HORIZONTAL_BREAKPOINTS = WIDTHS

    def __init__(self, host: Host, runs: list[Run], layout: Layout) -> None:
        super().__init__()
        self._host = host
        self._view_state = ViewState(msgspec.structs.replace(layout, rows=0, columns=0), self._draw_charts)
        self.curves = CurvesTab(id="compare-charts", pattern=_CURVES)
        self.charts = ChartsController(self._view_state, lambda: self.curves)
        self._doers = {
            **self.curves.doers,
            **self.charts.doers,
            "search": self.curves.search,
            "cancel": self.action_cancel,
        }
        self._runs = runs
        self._readers = [CurveReader(run) for run in runs]
        self._lock = threading.Lock()  # readers belong to one thread at a time
        self._objectives: set[str] = set()
        self._seeds: tuple[tuple[str, ...], ...] = ()
        self._reading = False

    def compose(self) -> ComposeResult:
        yield Static(Text(" Compare", style="bold"), id="form-title")
        with VerticalScroll(id="compare-scroll"):
            yield Static(Text("reading…", style="dim"), id="compare-text")
        yield self.curves
        yield KeyLine(self._host.readonly)

    def on_mount(self) -> None:
        self._draw_charts()
        self._read()
        self._timer = self.set_interval(_AGAIN, self._read)

    def on_resize(self) -> None:
        self.call_after_refresh(self.ask)

    def doer(self, name: str) -> Doer | None:
        return self._doers.get(name)

    def _draw_charts(self) -> None:
        self.curves.dress(self._view_state.layout)
        self.call_after_refresh(self.ask)

    @on(ChartTab.Changed)
    def _charts_changed(self) -> None:
        self.curves.draw()
        self.ask()

    @on(ChartTab.Full)
    def _filled(self, message: ChartTab.Full) -> None:
        self.set_class(message.full, "-full")

    def ask(self) -> None:
        """Redraw the data with the current settings."""
        if self.is_attached:
            self.run_worker(self._draw, thread=True, group="draw")

    def _read(self) -> None:
        if not self._reading:
            self._reading = True
            self.run_worker(self._compare, thread=True)

    def _compare(self) -> None:
        try:
            comparison = compare(self._runs)
        except SimclrError as error:
            self._host.call_later(self._failed, error)
            return
        with self._lock:
            self._objectives = {run.recipe.objective for run in self._runs}
            self._seeds = comparison.averaged
            for reader in self._readers:
                while reader.poll(BUDGET):
                    pass
        self._host.call_later(self._show, comparison)

    def _draw(self) -> None:
        with self._lock:
            request = self.charts.request(
                "", tuple(run.name for run in self._runs), "curves", pattern=self.curves.pattern
            )
            while True:
                for reader in self._readers:
                    reader.behind = False
                page = curve_page(self._readers, request, self._objectives, seeds=self._seeds)
                if not any(reader.behind for reader in self._readers):  # averages have caught up with their metrics
                    break
        self._host.call_later(self._drawn, page)

    def _drawn(self, page: Curves) -> None:
        if self.is_attached:
            self.curves.show(page)

    def _failed(self, error: SimclrError) -> None:
        if not self.is_attached:
            return
        self._timer.stop()
        self.query_one("#compare-text", Static).update(Text(safe(str(error)), style="bold red"))

    def _show(self, comparison: Comparison) -> None:
        self._reading = False
        if self.is_attached:
            self.query_one("#compare-text", Static).update(comparison_text(comparison, self.app.size.width))
            self.ask()
            if not any(state.state in ACTIVE for state in comparison.states):
                self._timer.stop()

    @on(ChartTab.Left)
    def action_cancel(self) -> None:
        self.dismiss()


def comparison_text(comparison: Comparison, width: int = 120) -> Text:
    """Return a table: runs across; state, differing fields, measures down. The better value has a star and is bold.

    Where there is room in `width` cells, a value is followed by its difference from the first run's.
    """
    text = Text(no_wrap=True)
    cells = max(_CELLS, min(_MOST, (width - _TITLE - 4) // max(1, len(comparison.runs))))
    names = [shortened(safe(run.name), min(cells - 2, cell_len(safe(run.name)))) for run in comparison.runs]
    colours = colours_of([run.name for run in comparison.runs])
    titles = [
        _over_values(name, f"bold {colours[run.name]}", cells) for name, run in zip(names, comparison.runs, strict=True)
    ]
    _row(text, "", titles, width=cells)
    states = [f"{state_glyph(state.state)} {state.state}" for state in comparison.states]
    _row(text, "", [_over_values(words, "not bold", cells) for words in states], width=cells)
    text.append("\nDifferences\n", "dim")
    for name, values in comparison.differences.items():
        _row(text, name, [_over_values(value_text(value), "not bold", cells) for value in values], width=cells)
    if not comparison.differences:
        text.append("  nothing: the same recipe\n")
    if comparison.verdicts:
        text.append("\nConclusions\n", "dim")
        for verdict in comparison.verdicts:
            for line in textwrap.wrap(safe(verdict), _LINE, initial_indent="  ", subsequent_indent="    "):
                text.append(f"{line}\n")
    text.append("\nResults\n", "dim")
    star = "★" if draws_unicode() else "*"
    for measure in comparison.measures:
        if any(value is not None for value in measure.values):
            differs = _is_comparable(comparison, measure)
            found = [_cell(measure, index, star, room=cells, differs=differs) for index in range(len(measure.values))]
            _row(text, measure.name, found, width=cells)
    heat = heat_map(comparison)
    if heat is not None:
        text.append_text(heat)
    if comparison.repeated:
        text.append("\nover seeds: mean ± standard deviation\n", "dim")
        for group in comparison.seeds:
            text.append(f"  {safe(comparison.group_title(group))}\n", colours[comparison.runs[group.places[0]].name])
        for name, words, better in comparison.group_rows():
            starred = [_starred(safe(cell), place == better, star) for place, cell in enumerate(words)]
            _row(text, name, starred, width=max(_WIDE, cells))
    return text


def _is_comparable(comparison: Comparison, measure: Measure) -> bool:
    """Return False where the runs differ in a field without which a difference of the measure says nothing."""
    within = METRICS[measure.metric].within if measure.metric in METRICS else ""
    return not set(measured_by(within)) & comparison.differences.keys()


def _starred(words: str, better: bool, star: str) -> tuple[str, str]:
    return (f"{words} {star}", "bold") if better else (f"{words}  ", "not bold")


def _cell(measure: Measure, index: int, star: str, *, room: int, differs: bool) -> tuple[str, str]:
    words, style = _starred(measure.words(index), measure.better == index, star)
    beside = _difference(measure, index) if differs else ""
    return words + (f"{beside:>{_BESIDE}}" if room >= _ROOMY else ""), style


def _over_values(words: str, style: str, cells: int) -> tuple[str, str]:
    """Return words that end where the column's numbers do, unless they need its whole width."""
    after = " " * (2 + (_BESIDE if cells >= _ROOMY else 0))  # a star and a difference
    return (words + after, style) if cell_len(words + after) < cells else (words, style)


def _difference(measure: Measure, index: int) -> str:
    """Return by how much a value is above the first run's; empty where that says nothing."""
    first, value = measure.values[0], measure.values[index]
    if index == 0 or not measure.metric or first is None or value is None or not math.isfinite(value - first):
        return ""
    change = 100 * (value - first) if measure.unit == "share" else value - first
    words = f"{abs(change):.1f}" if measure.unit == "share" else size(abs(change)) if measure.unit == "bytes" else ""
    return f"({'+' if change >= 0 else '-'}{words or number(abs(change))})"


def _row(text: Text, title: str, cells: list[tuple[str, str]], *, width: int) -> None:
    """Append a row, its values at the right of their columns."""
    text.append(f"  {title:<{_TITLE}}", "not bold")
    for words, style in cells:
        cut = words if cell_len(words) < width else words[: width - 2] + "…"
        text.append(" " * (width - cell_len(cut)) + cut, style)
    text.append("\n")
