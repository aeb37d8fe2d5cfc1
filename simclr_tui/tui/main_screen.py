"""The main screen: runs on the left, the tabs of the run under the cursor on the right, its state below."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.widgets import ContentSwitcher, Footer, Input, Static

from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE, OPEN
from simclr_tui.store.store import Store
from simclr_tui.tui.actions import ACTING, actions, bindings
from simclr_tui.tui.breakpoints import HEIGHTS, WIDTHS
from simclr_tui.tui.charts.curves_tab import CurvesView
from simclr_tui.tui.charts.system_tab import SystemView
from simclr_tui.tui.commands.job_commands import WorkActions
from simclr_tui.tui.commands.label_commands import WordActions
from simclr_tui.tui.compare_screen import CompareScreen
from simclr_tui.tui.dialogs.entry import Entry
from simclr_tui.tui.feed.messages import Curves, Detail, Hardware, Listing, Log, Machine, Request, Snapshot
from simclr_tui.tui.images.controller import LookActions
from simclr_tui.tui.images.embedding_tab import EmbeddingView
from simclr_tui.tui.images.views_tab import ViewsView
from simclr_tui.tui.runs.arrangement import Arrangement
from simclr_tui.tui.runs.header import Header
from simclr_tui.tui.runs.run_list import RunList
from simclr_tui.tui.runs.runs_pane import ListActions
from simclr_tui.tui.runs.status_line import StatusLine
from simclr_tui.tui.tabs.log_tab import LogTab
from simclr_tui.tui.tabs.log_view import LogView
from simclr_tui.tui.tabs.recipe_tab import RecipeView
from simclr_tui.tui.tabs.tab_bar import TabBar


class MainScreen(ListActions, LookActions, WordActions, WorkActions):
    """Holds what the user chose (cursor, marks, filter, tab) and asks the feed for what that shows."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("main")]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.store = Store(root)
        self._asked: Request | None = None
        self._detail: Detail | None = None
        self._possible: tuple[bool | None, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static("the terminal is too small: 20 × 5 at least", id="too-small")
        yield Header(self.store.root)
        with Horizontal(id="body"):
            with Vertical(id="runs-pane"):
                yield Entry("state:running bs>=256 knn>0.8 text", id="filter", complete=self.complete_filter)
                yield RunList(id="runs")
            with Vertical(id="tabs-pane"):
                yield TabBar()
                with ContentSwitcher(initial="curves", id="tabs"):
                    yield CurvesView(id="curves")
                    yield SystemView(id="system")
                    yield LogTab(id="log")
                    yield RecipeView(id="recipe")
                    yield ViewsView(id="views")
                    yield EmbeddingView(id="embedding")
        yield StatusLine()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.runs.focus()
        self.runs.empty_text = ""
        self.write_title()
        self._arrangement = Arrangement.left_as(self.left)
        self.show_tab(self.left.tab)
        self.dress()
        self.set_interval(0.5, self.show_work)

    def current_run(self) -> Run | None:
        row = self.runs.current
        return self.store.run(row["name"]) if row else None

    # What the feed delivers.

    def take(self, snapshot: Snapshot) -> None:
        """Show what is new; what belongs to a run that is no longer under the cursor is late, and dropped."""
        match snapshot:
            case Listing():
                self._take_listing(snapshot)
            case Machine():
                self.query_one(Header).show_machine(snapshot)
            case Curves():
                self.curves.show(snapshot)
            case Detail() if self._is_current(snapshot.run):
                self._detail = snapshot
                self.query_one(StatusLine).show(snapshot)
                self.query_one(RecipeView).show(snapshot)
                self.refresh_footer()
                self.look()
            case Hardware() if self._is_current(snapshot.run):
                self.query_one(SystemView).show(snapshot)
            case Log() if self._is_current(snapshot.run):
                self.query_one(LogView).show(snapshot)

    def _is_current(self, name: str) -> bool:
        row = self.runs.current
        return row is not None and row["name"] == name

    def _take_listing(self, listing: Listing) -> None:
        self._listing = listing
        known = {row["name"] for row in listing.rows}
        self._marked = tuple(name for name in self._marked if name in known)
        self.query_one(Header).show_runs(listing)
        self.show_rows()

    # What is on screen, and so has to be read.

    def ask(self) -> None:
        """Tell the feed what to read, if that changed."""
        if not self.app.is_running:
            return
        request = self.request(self.runs.current["name"] if self.runs.current else "", self._marked)
        self.refresh_footer()
        if request != self._asked:
            self._asked = request
            self.app.feed.ask(request)
            self.look()

    @on(RunList.Moved)
    def _moved(self, message: RunList.Moved) -> None:
        self.news_seen(message.name)
        if not message.name:
            self._detail = None
            for view in (self.query_one(StatusLine), self.query_one(RecipeView)):
                view.show(None)
            if not self._marked:
                self.curves.show(None)
            self.query_one(SystemView).show(None)
            self.query_one(LogView).show(None)
        self.ask()

    def refresh_footer(self) -> None:
        """Only when what can be done changed: the footer is made anew each time."""
        possible = tuple(self.check_action(action.id.split("(")[0], ()) for action in actions("main"))
        if possible != self._possible:
            self._possible = possible
            self.refresh_bindings()

    def on_resize(self, event: Resize) -> None:
        if event.size != self.app.size:
            # There is a newer size already: while a window is dragged, layouts would queue up for a minute.
            event.prevent_default()
            return
        self.call_after_refresh(self.ask)

    def keep_list(self, arrangement: Arrangement) -> None:
        self.remember(**arrangement.left)

    def checkpoint(self) -> int | None:
        detail = self._detail
        return detail.checkpoint if detail is not None and self._is_current(detail.run) else None

    def show_work(self) -> None:
        """Say what was begun here and is under way."""
        if self.is_mounted:
            self.query_one(StatusLine).show_work(self.app.jobs.words)
            self.show_progress()

    def action_cancel_work(self) -> None:
        if not (self.app.jobs.cancel_all() + self.looks.stop()):
            self.app.tell("nothing is under way here")

    @on(RunList.Opened)
    def action_open(self) -> None:
        if not self.runs.has_focus and self.look_again():
            return
        self.add_class("-opened")
        tab = self.query_one("#tabs").query_one(f"#{self.tab}")
        inside = [tab, *tab.query("*")]
        # At once: the next key may be there already.
        self.set_focus(next((one for one in inside if one.focusable and one.display), self.query_one(TabBar)))
        self.call_after_refresh(self.ask)

    # What can be done now.

    def _current_state(self) -> str:
        """Of the run under the cursor: the list may be a moment behind its detail."""
        row = self.runs.current if self.is_mounted else None
        detail = self._detail
        if row is None or detail is None or detail.state is None or detail.run != row["name"]:
            return "" if row is None else str(row["state"])
        return detail.state.state

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What cannot be done now is shown dim in the footer; a slash typed into the filter is a slash, and where one
        chart has the screen there is no list to filter."""
        if action == "filter" and (isinstance(self.focused, Input) or self.has_class("-full")):
            return False
        if self.app.readonly and action in ACTING:
            return True  # the key says why it does nothing
        row = self.runs.current if self.is_mounted else None
        state = self._current_state()
        active, open_ = state in ACTIVE, state in OPEN
        possible = {
            "stop": active or state == "queued",
            "kill": active,
            "sooner": state == "queued",
            "resume": row is not None and not open_ and state != "finished" and not row.get("error"),
            "clone": row is not None and not row.get("error"),
            "evaluate": row is not None and not row.get("error"),
            "export": row is not None and not row.get("error"),
            "tag": row is not None and not row.get("error"),
            "note": row is not None and not row.get("error"),
            "rename": row is not None and not open_ and not row.get("error"),
            "remove": row is not None and not open_,
            "mark": row is not None,
            "pin": row is not None,
            "unmark": bool(self._marked),
            "compare": len(self._marked) > 1 or (len(self._marked) == 1 and row is not None),
            "follow": self.tab in ("log", "curves", "system") if self.is_mounted else False,
            "view": self.tab in ("recipe", "views", "embedding") if self.is_mounted else False,
            "image": self.tab in ("views", "embedding") if self.is_mounted else False,
        }
        return True if possible.get(action, True) else None

    def action_compare(self) -> None:
        row = self.runs.current
        names = list(self._marked)
        if row is not None and len(names) == 1 and row["name"] not in names:
            names.append(row["name"])
        if len(names) < 2:
            self.app.tell("mark two runs or more with space, then compare them")
            return
        self.app.push_screen(CompareScreen([self.store.run(name) for name in names], self.left))
