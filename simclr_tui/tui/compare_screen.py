"""Compare runs side by side: what differs, which is better, and their curves overlaid."""

from __future__ import annotations

import threading
from typing import ClassVar

import msgspec
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from simclr_tui.catalog.compare import Comparison, compare
from simclr_tui.errors import SimclrError
from simclr_tui.store.metrics.metric_table import CHARTED
from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE
from simclr_tui.text import safe
from simclr_tui.tui.action_screen import ActionScreen, Doer
from simclr_tui.tui.actions import bindings
from simclr_tui.tui.breakpoints import WIDTHS
from simclr_tui.tui.charts.chart_tab import ChartTab
from simclr_tui.tui.charts.controller import ChartsController
from simclr_tui.tui.charts.curves_tab import CurvesTab
from simclr_tui.tui.compare_text import comparison_text
from simclr_tui.tui.feed.curve_page import Averaged, curve_page, run_by_run
from simclr_tui.tui.feed.curve_reader import CurveReader
from simclr_tui.tui.feed.messages import Curves
from simclr_tui.tui.feed.run_reader import BUDGET
from simclr_tui.tui.host import Host
from simclr_tui.tui.key_line import KeyLine
from simclr_tui.tui.view_state import Layout, ViewState

_CURVES = f"{' '.join(CHARTED)} -loss_scale"  # metrics shown at first
_AGAIN = 2.0  # seconds between two reads
_BESIDE = 4  # cells beside the text: the padding and the scroll bar


class CompareScreen(ActionScreen[None]):
    """Show a comparison, reread every two seconds off the screen's thread. Its charts have the keys of the Curves
    tab."""

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
        self._seeds: Averaged = run_by_run
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
            self.query_one("#compare-text", Static).update(comparison_text(comparison, self.app.size.width - _BESIDE))
            self.ask()
            if not any(state.state in ACTIVE for state in comparison.states):
                self._timer.stop()

    @on(ChartTab.Left)
    def action_cancel(self) -> None:
        self.dismiss()
