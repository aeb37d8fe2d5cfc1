"""The main screen: runs on the left, the tabs of the run under the cursor on the right, its state below."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import MouseDown, MouseMove, MouseUp, Resize
from textual.widgets import Input, Static

from simclr_tui.errors import SimclrError
from simclr_tui.text import safe
from simclr_tui.tui.action_screen import ActionScreen, Doer
from simclr_tui.tui.actions import ACTING, Situation, actions, bindings
from simclr_tui.tui.breakpoints import HEIGHTS, WIDTHS
from simclr_tui.tui.charts.chart_tab import ChartTab
from simclr_tui.tui.charts.controller import ChartsController
from simclr_tui.tui.charts.curves_tab import CurvesTab
from simclr_tui.tui.charts.system_tab import SystemTab
from simclr_tui.tui.commands.changes import Changes
from simclr_tui.tui.commands.job_commands import JobCommands
from simclr_tui.tui.commands.label_commands import LabelCommands
from simclr_tui.tui.commands.run_commands import RunCommands
from simclr_tui.tui.compare_screen import CompareScreen
from simclr_tui.tui.dialogs.pick import Choice, Pick
from simclr_tui.tui.feed.messages import Detail, Hardware, Listing, Log, Machine, Request, Snapshot
from simclr_tui.tui.host import Host
from simclr_tui.tui.images.controller import ImagesController
from simclr_tui.tui.images.embedding_tab import EmbeddingTab
from simclr_tui.tui.key_line import KeyLine
from simclr_tui.tui.runs.border_drag import BorderDrag
from simclr_tui.tui.runs.header import Header
from simclr_tui.tui.runs.run_list import RunList
from simclr_tui.tui.runs.runs_pane import RunsPane
from simclr_tui.tui.runs.status_line import StatusLine
from simclr_tui.tui.tabs.log_tab import LogTab
from simclr_tui.tui.tabs.recipe_tab import RecipeTab
from simclr_tui.tui.tabs.tab import Tab
from simclr_tui.tui.tabs.tabs_pane import TabsPane
from simclr_tui.tui.view_state import Layout, ViewState, write_layout


class MainScreen(ActionScreen[None]):
    """Compose the panes: it hands them the feed's data, and asks the feed for what they show.

    With `remember` the layout is written into the store whenever it changes.
    """

    where = "main"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("main")]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(self, host: Host, layout: Layout, remember: bool = False) -> None:
        super().__init__()
        self._host = host
        self._remember = remember
        self.view_state = ViewState(layout, self._layout_changed)
        self.runs_pane = RunsPane(host, self.view_state, id="runs-pane")
        self.images = ImagesController(host, self.runs_pane.current_run, lambda: self.tab)
        self.curves = CurvesTab(id="curves")
        tabs: dict[str, Tab] = {
            "curves": self.curves,
            "system": SystemTab(id="system"),
            "log": LogTab(id="log"),
            "recipe": RecipeTab(id="recipe"),
            "views": self.images.views,
            "embedding": self.images.embedding,
        }
        self.tabs_pane = TabsPane(self.view_state, tabs, self._tab_chosen, id="tabs-pane")
        self.charts = ChartsController(self.view_state, lambda: self.tabs_pane.chart_tab)
        self.changes = Changes(host, self.refresh_footer)
        run_commands = RunCommands(host, self.runs_pane, self.changes)
        labels = LabelCommands(host, self.runs_pane, self.changes)
        jobs = JobCommands(host, self.runs_pane)
        self._doers = {
            **self.runs_pane.doers,
            **self.charts.doers,
            **run_commands.doers,
            **labels.doers,
            **jobs.doers,
            "filter": self._filter,
            "widen": self._widen,
            "open": self.open_tabs,
            "back": self._back,
            "compare": self._compare,
            "sweep": self._sweep,
            "cancel_work": self._cancel_work,
        }
        self._border = BorderDrag(
            self.runs_pane, self.tabs_pane, lambda width: self.view_state.change(list_width=width)
        )
        self._last_request: Request | None = None
        self._detail: Detail | None = None
        self._possible: tuple[bool | None, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static("the terminal is too small: 20 × 5 at least", id="too-small")
        yield Header(self._host.store.root, self._host.readonly)
        with Horizontal(id="body"):
            yield self.runs_pane
            yield self.tabs_pane
        yield StatusLine()
        yield KeyLine(self._host.readonly)

    def on_mount(self) -> None:
        self.runs.focus()
        self._draw_charts()
        self.set_interval(0.5, self.show_work)

    @property
    def runs(self) -> RunList:
        return self.runs_pane.runs

    @property
    def tab(self) -> str:
        """Return the name of the tab on screen."""
        return self.tabs_pane.shown

    # Data from the feed.

    def take(self, snapshot: Snapshot) -> None:
        """Show new data; drop late data of a run that is no longer under the cursor."""
        match snapshot:
            case Listing():
                self.query_one(Header).show_runs(snapshot)
                self.set_class(not snapshot.rows and not snapshot.problem, "-empty")
                self.runs_pane.take(snapshot)
                self._show_head()
                self.refresh_footer()
            case Machine():
                self.query_one(Header).show_machine(snapshot)
                self.tabs_pane.take(snapshot)
            case Detail() | Hardware() | Log() if not self.runs_pane.is_current(snapshot.run):
                pass
            case _:
                self.tabs_pane.take(snapshot)
                if isinstance(snapshot, Detail):
                    self._take_detail(snapshot)

    def _take_detail(self, detail: Detail) -> None:
        self._detail = detail
        self.images.checkpoint = detail.checkpoint
        self.query_one(StatusLine).show(detail, self.runs_pane.best_knn)
        self._show_head()
        self.refresh_footer()
        self.images.refresh()

    def _show_head(self) -> None:
        detail = self._detail
        waits = self.runs_pane.waits_for(detail.run) if detail is not None else ""
        self.tabs_pane.show_head(detail, self.runs_pane.best_knn, waits)

    # Requests to the feed.

    def ask(self) -> None:
        """Tell the feed what to read, if that changed."""
        if not self.app.is_running:
            return
        row = self.runs_pane.current
        name = row["name"] if row else ""
        request = self.charts.request(name, self.runs_pane.marked, self.tab, pattern=self.curves.pattern)
        self.refresh_footer()
        if request != self._last_request:
            self._last_request = request
            self._host.reader.ask(request)
            self.images.refresh()

    @on(RunList.Moved)
    def _moved(self, message: RunList.Moved) -> None:
        if self._detail is None or message.name != self._detail.run:
            self.images.checkpoint = None
        if not message.name:
            self._detail = None
            self.query_one(StatusLine).show(None)
            self._show_head()
            self.tabs_pane.clear(curves_too=not self.runs_pane.marked)
        self.ask()

    @on(RunsPane.Changed)
    def _runs_changed(self) -> None:
        self.ask()

    @on(RunsPane.Complained)
    def _complained(self, message: RunsPane.Complained) -> None:
        self.query_one(StatusLine).complain(message.words)

    @on(ChartTab.Changed)
    def _charts_changed(self) -> None:
        self.curves.draw()
        self.ask()

    @on(ChartTab.Full)
    def _filled(self, message: ChartTab.Full) -> None:
        self.set_class(message.full, "-full")

    @on(ChartTab.NoCursor)
    def _no_cursor(self) -> None:
        self._host.tell("put the cursor on a moment first: , and . move it")

    @on(EmbeddingTab.NeighborsWanted)
    def _neighbors_wanted(self) -> None:
        self.tabs_pane.choose("views")

    def on_mouse_down(self, event: MouseDown) -> None:
        self._border.press(event)

    def on_mouse_move(self, event: MouseMove) -> None:
        self._border.move(event)

    def on_mouse_up(self, event: MouseUp) -> None:
        self._border.release()

    def _fit_list(self) -> None:
        """Give the list the width that it was dragged to, unless it has the screen to itself."""
        alone = self.has_class("-narrow") or self.has_class("-table")
        self._border.fit(self.view_state.layout.list_width, beside=not alone)

    def on_resize(self, event: Resize) -> None:
        if event.size != self.app.size:
            # A newer size is waiting: while a window is dragged, layouts would queue up for a minute.
            event.prevent_default()
            return
        self.call_after_refresh(self._fit_list)
        self.call_after_refresh(self.ask)

    def _layout_changed(self) -> None:
        self._draw_charts()
        root = self._host.store.root
        if self._remember and root.is_dir():
            self._host.in_thread(lambda: write_layout(root, lambda: self.view_state.layout), "layout")

    def _draw_charts(self) -> None:
        for view in self.query(ChartTab):
            view.dress(self.view_state.layout)
        self.call_after_refresh(self.ask)

    def show_work(self) -> None:
        """Show the jobs under way."""
        if self.is_mounted:
            self.query_one(StatusLine).show_work(self._host.jobs.words)
            self.images.show_progress()

    # Keys of the whole screen.

    def open_tabs(self) -> None:
        """Go to the tabs, showing them if they are hidden."""
        self.remove_class("-table")
        self._fit_list()
        if self.focused is not self.runs and self.images.compute_again():
            return
        self.add_class("-opened")
        self.tabs_pane.enter()
        self.call_after_refresh(self.ask)

    @on(RunList.Opened)
    def _run_opened(self) -> None:
        self.open_tabs()

    def _tab_chosen(self) -> None:
        if (self.has_class("-narrow") and not self.has_class("-opened")) or self.has_class("-table"):
            self.open_tabs()
        self.call_after_refresh(self.ask)

    @on(ChartTab.Left)
    def _back(self) -> None:
        """Leave the filter's input, else the tabs for the list, else clear the filter."""
        if self.runs_pane.is_filtering or (self.focused is self.runs and self.runs_pane.arrangement.filter.text):
            self.runs_pane.leave_filter(keep=False)
        elif self.focused is not self.runs:
            self.remove_class("-opened")
            self.runs.focus()

    def _filter(self) -> None:
        self.remove_class("-opened")
        self.runs_pane.start_filter()

    def _widen(self) -> None:
        """Show the list as a table over the whole width, or beside the tabs again."""
        self.remove_class("-opened")
        self.toggle_class("-table")
        self._fit_list()
        self.runs.focus()

    def _compare(self) -> None:
        names = self.runs_pane.compared()
        if len(names) < 2:
            self._host.tell("mark two runs or more with space, then compare them")
            return
        runs = [self._host.store.run(name) for name in names]
        self._host.show(CompareScreen(self._host, runs, self.view_state.layout))

    def _sweep(self) -> None:
        """Show the sweep of the run under the cursor; if it has none, ask which one."""
        row, sweeps = self.runs_pane.current, self.runs_pane.sweeps
        name = str(row["sweep"]) if row is not None and row.get("sweep") else sweeps[0] if len(sweeps) == 1 else ""
        if name:
            self._show_sweep(name)
        elif sweeps:
            choices = [Choice(one, safe(one), "") for one in reversed(sweeps)]
            self._host.show(Pick("Show which sweep?", choices), self._show_sweep)

    def _show_sweep(self, name: str | None) -> None:
        if name is None:
            return
        from simclr_tui.sweep.folder import find_sweep
        from simclr_tui.tui.sweep_screen import SweepScreen

        try:
            sweep = find_sweep(self._host.store, name).read()
        except SimclrError as error:
            self._host.tell_error(error)
            return
        self._host.show(SweepScreen(self._host, sweep, lambda: self.runs_pane.all_rows), self._to_run)

    def _to_run(self, name: str | None) -> None:
        if name is not None:
            self.runs_pane.show_run(name)

    def _cancel_work(self) -> None:
        if not (self._host.jobs.cancel_all() + self.images.requests.stop()):
            self._host.tell("nothing is under way here")

    # Possible actions.

    def doer(self, name: str) -> Doer | None:
        return self._doers.get(name) or self.tabs_pane.doer(name)

    def situation(self) -> Situation:
        pane, row = self.runs_pane, self.runs_pane.current
        around = Situation(
            marked=len(pane.marked),
            comparable=len(pane.compared()),
            sweeps=len(pane.sweeps),
            empty=self.has_class("-empty"),
            beside=not self.has_class("-narrow"),
        )
        if row is None:
            return around
        state, detail = str(row["state"]), self._detail
        if detail is not None and detail.state is not None and detail.run == row["name"]:
            state = detail.state.state  # the list may be a moment behind
        return replace(around, state=state, readable=not row.get("error"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Decide whether an action's key works now.

        A slash typed into the filter belongs to the filter, and under a full-screen chart there is no list to filter.
        When read-only, the key of a changing action still works, to say why it does nothing.
        """
        if action == "filter" and (isinstance(self.focused, Input) or self.has_class("-full")):
            return False
        if self._host.readonly and action in ACTING:
            return True
        return super().check_action(action, parameters)

    def refresh_footer(self) -> None:
        """Rebuild the footer, only when the possible actions have changed."""
        if not self.is_mounted:
            return
        now = self.situation()
        possible = tuple(self.is_possible(action.name, now) for action in actions(self.where))
        if possible != self._possible:
            self._possible = possible
            self.refresh_bindings()
