"""The dashboard's application: one feed, one stack of screens. Training never depends on it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rich.console import RenderableType
from textual.actions import ActionParseResult, parse
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.dom import DOMNode
from textual.events import Resize
from textual.filter import LineFilter
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import WorkerFailed

from simclr_tui.catalog.news import Event, changed_rows, in_brief, last_known, news
from simclr_tui.catalog.row import Row
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.config import Config
from simclr_tui.errors import CancelledError, SimclrError
from simclr_tui.launch.notify import notify
from simclr_tui.launch.tell import tell_missed, tell_once
from simclr_tui.store.state import ACTIVE
from simclr_tui.store.store import Store
from simclr_tui.text import did_you_mean, safe
from simclr_tui.tui.action_screen import ActionScreen
from simclr_tui.tui.actions import ACTING, ACTIONS, bindings
from simclr_tui.tui.breakpoints import has_light_ground
from simclr_tui.tui.charts.chart_tab import ChartTab
from simclr_tui.tui.dialogs.help import Help
from simclr_tui.tui.feed.feed import Feed
from simclr_tui.tui.feed.messages import Listing, Settled, Snapshot
from simclr_tui.tui.feed.slurm_watch import ClusterWatch
from simclr_tui.tui.jobs import Job, Jobs, Work
from simclr_tui.tui.light_ground import DarkenRunColours
from simclr_tui.tui.main_screen import MainScreen
from simclr_tui.tui.runs.run_list import RunList
from simclr_tui.tui.runs_by_name import RunsByName
from simclr_tui.tui.terminal.capabilities import Answers
from simclr_tui.tui.terminal.image_protocol import Drawer
from simclr_tui.tui.terminal.lifecycle import driver_class, leave_if_gone, on_signals
from simclr_tui.tui.view_state import Layout, read_layout

DEFAULTS = Config()
Act = tuple[Callable[[], object], str, Callable[[], object] | None]
"""An act: the work, the notice once it succeeded, and the callback on the screen's thread after that."""


def _os_words(error: OSError) -> str:
    """Name the file that could not be used, and why."""
    name = error.filename2 or error.filename
    return f"{name}: {error.strerror}" if name else str(error.strerror or error)


_MANY_ROWS = 1000  # fewer take the collector no time that a key would notice


class Dashboard(App[str], inherit_bindings=False):
    """Show the runs of one store. Returns a sentence to print after it has left the screen."""

    TITLE = "simclr"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = App.COMMANDS | {RunsByName}

    class Fed(Message):
        """Posted when the feed has read something new."""

        def __init__(self, snapshot: Snapshot) -> None:
            super().__init__()
            self.snapshot = snapshot

    class Broken(Message):
        """Posted when a reader thread died of an unexpected exception."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    def __init__(self, root: Path, config: Config = DEFAULTS, readonly: bool = False, *, remember: bool = True) -> None:
        super().__init__(driver_class=driver_class())
        self.store = Store(root)
        self.config = config
        self.readonly = readonly or config.readonly
        self.pixels: Drawer | None = None
        self.light = has_light_ground()
        self.answers = Answers(whole=True)  # of the terminal; it is asked before the screen is drawn
        layout = read_layout(root) if remember else Layout()
        self.jobs = Jobs()
        self.main = MainScreen(self, layout, remember=remember and not self.readonly)
        self.feed = Feed(
            root,
            lambda snapshot: self.post_message(self.Fed(snapshot)),
            self._feed_failed,
            keeps_outlines=not self.readonly,
        )
        self.cluster = ClusterWatch(root, self._feed_failed)
        self.settled = -1
        self.fault: BaseException | None = None
        self._darken = DarkenRunColours(self.ansi_theme_light)
        self._active = 0
        self._spared = 0  # rows that the garbage collector passes over
        self._acts: deque[Act] = deque()
        self._acts_lock = threading.Lock()
        self._acting = False  # whether a thread works on the acts
        self._rows: dict[str, Row] | None = None
        self._listed: tuple[Row, ...] = ()

    async def on_mount(self) -> None:
        if self.config.theme:
            self._dress(self.config.theme)
        elif not self.is_headless and self.light:
            self.theme = "textual-light"
        await self.push_screen(self.main)
        self.feed.start()
        if not self.readonly:  # watching Slurm writes into the runs
            self.cluster.start()
        if not self.is_headless:
            on_signals(asyncio.get_running_loop(), self._driver, lambda code: self.exit(return_code=code))
            # A terminal that vanishes without a signal must be polled for: reading it would only spin.
            self.set_interval(0.5, leave_if_gone)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the filters of every line on screen: a light theme darkens the colours of runs."""
        filters = super().get_line_filters()
        return filters if self.current_theme.dark else [*filters, self._darken]

    def on_resize(self, event: Resize) -> None:
        """Redraw everything after a resize.

        A terminal that shrank and grew back may have lost its content, while the unchanged layout draws nothing.
        """
        if self.screen_stack and event.size == self.screen.size:
            self.screen.refresh()

    @property
    def is_ready(self) -> bool:
        """Return True once the first listing is on screen, so that a key has something to act on."""
        return self._rows is not None

    def _dress(self, theme: str) -> None:
        if theme in self.available_themes:
            self.theme = theme
        else:
            hint = did_you_mean(theme, self.available_themes) or "the menu (^p) lists them"
            self.tell_error(SimclrError(f"no theme {theme!r}", hint))

    def on_unmount(self) -> None:
        self.feed.stop()
        self.cluster.stop()
        self.jobs.cancel_all()
        self.main.images.requests.stop()

    def _handle_exception(self, error: Exception) -> None:
        """Exit and keep the first exception: `run_dashboard` writes it to a file."""
        cause = error.error if isinstance(error, WorkerFailed) else error
        self.fault = self.fault or cause
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Exit without printing a page of traceback on the terminal."""
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """Exit without printing errors that render themselves."""
        self._close_messages_no_wait()

    def _feed_failed(self, error: Exception) -> None:
        self.post_message(self.Broken(error))

    def on_dashboard_fed(self, message: Fed) -> None:
        snapshot = message.snapshot
        if not self.is_running:  # exiting: the widgets are being removed already
            return
        if isinstance(snapshot, Settled):
            self.settled = snapshot.number
            return
        if isinstance(snapshot, Listing):
            self._active = sum(row["state"] in ACTIVE for row in snapshot.rows)
            self._tell_news(snapshot.rows)
        self.main.take(snapshot)
        if isinstance(snapshot, Listing):
            self._spare_collector(len(snapshot.rows))

    def _spare_collector(self, rows: int) -> None:
        """Let the garbage collector pass over the rows of a large store.

        They live as long as the dashboard and hold no cycles, but each full collection would walk them all: 40 ms of a
        key's time with 10,000 runs.
        """
        if rows > max(_MANY_ROWS, 1.5 * self._spared):
            self._spared = rows
            gc.freeze()

    def on_dashboard_broken(self, message: Broken) -> None:
        raise message.error

    def _tell_news(self, rows: tuple[Row, ...]) -> None:
        """Report what happened since the last listing: a toast, a sign in the list, the bell, the user's notifier."""
        if self._rows is None and not self.readonly:  # what ended while nobody looked, if its supervisor was killed
            opened = SYSTEM_CLOCK.wall()
            # Not a partial: Textual describes a worker by its repr, which would hold every row in words.
            self.run_worker(lambda: tell_missed(self.store.root, rows, opened), thread=True)
        changed, self._listed = changed_rows(self._listed, rows), rows
        found = news(self._rows, rows if changed is None else changed) if self._rows is not None else []
        if self._rows is None or changed is None:
            self._rows = last_known(self._rows or {}, rows)
        else:
            self._rows |= last_known(self._rows, changed)
        found = [event for event in found if event.event in self.config.tell]
        if not found:
            return
        for message, bad in in_brief(found):
            severity: SeverityLevel = "error" if bad else "information"
            self.notify(message, severity=severity, markup=False, timeout=12)
        self.main.runs_pane.add_news({event.run for event in found})
        if self.config.bell:
            self.bell()
        if self.config.notify or self.config.webhook:
            attempts = {row["name"]: int(row["attempt"] or 1) for row in rows}
            self.run_worker(partial(self._notify, found, attempts), thread=True, group="notify", exit_on_error=True)

    def _notify(self, found: list[Event], attempts: Mapping[str, int]) -> None:
        """Send the events that nobody has sent, one by one; report the first failure here and drop the rest."""
        for event in found:
            if self.readonly:  # nothing is written, so that others may send it too
                send = partial(notify, self.config, event)
            else:
                run = self.store.run(event.run)
                send = partial(tell_once, self.config, run, [event], attempt=attempts[event.run], patience=1.0)
            if not self._tried(send):
                return

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Run an action through the part of the screen that owns it; say why one that cannot be done now is not."""
        destination, name, parameters = parse(action) if isinstance(action, str) else action
        if self.readonly and name in ACTING:
            self.tell("read-only: restart without --readonly to make changes")
            return True
        place = self.screen if destination == "screen" else default_namespace
        if isinstance(place, ActionScreen) and (doer := place.doer(name)) is not None:
            if place.check_action(name, parameters):
                done = doer(*parameters)
                if inspect.isawaitable(done):
                    await done
                return True
            if not isinstance(self.focused, Input) and (why := place.why_not(name, place.situation())):
                self.tell(why)
            return False
        return await super().run_action(action, default_namespace, namespaces)

    def tell(self, words: str, seconds: float = 4) -> None:
        """Show a short notice that disappears by itself."""
        self.notify(safe(words), markup=False, timeout=seconds)

    def tell_error(self, error: SimclrError) -> None:
        """Show what went wrong and what to do, for long enough to read."""
        self.notify(safe(str(error)), severity="error", markup=False, timeout=12)

    def do(self, work: Callable[[], object], done: str, then: Callable[[], object] | None = None) -> None:
        """Run `work` off the screen's thread, after all earlier acts; show `done` or the error, then call `then`."""
        with self._acts_lock:
            self._acts.append((work, done, then))
            idle, self._acting = not self._acting, True
        if idle:
            self.in_thread(self._act, "work")

    def _act(self) -> None:
        """Do the acts one after another: two that move the same run would undo each other."""
        while True:
            with self._acts_lock:
                if not self._acts:
                    self._acting = False
                    return
                work, done, then = self._acts.popleft()
            if self._tried(work):
                if done:
                    self.call_later(self.tell, done)
                if then is not None:
                    self.call_later(then)
            self.feed.refresh()

    @property
    def reader(self) -> Feed:
        """Return the thread that reads the store."""
        return self.feed

    def in_thread(self, work: Callable[[], object], group: str) -> None:
        """Run `work`, which reports its own errors, off the screen's thread."""
        self.run_worker(work, thread=True, group=group, exit_on_error=True)

    def show(self, screen: Screen[Any], answered: Callable[[Any], None] | None = None) -> None:
        """Put a screen on top; `answered` gets what it is dismissed with."""
        self.push_screen(screen, answered)

    def begin(self, title: str, work: Work) -> None:
        """Start long work in a process that ends with the dashboard; show its result."""
        job = self.jobs.begin(title)
        self.main.show_work()
        self.run_worker(partial(self._work, job, work), thread=True, group="jobs", exit_on_error=True)

    def _work(self, job: Job, work: Work) -> None:
        words: list[str] = []
        if self._tried(lambda: words.append(work(job))):
            self.call_later(self.tell, words[0], 12)
        self.call_later(self.jobs.end, job)
        self.call_later(self.main.show_work)
        self.feed.refresh()

    def _tried(self, work: Callable[[], object]) -> bool:
        """Run `work`; return True on success, else show the error."""
        try:
            work()
        except CancelledError as error:
            self.call_later(self.tell, error.message)
        except SimclrError as error:
            self.call_later(self.tell_error, error)
        except OSError as error:
            self.call_later(self.tell_error, SimclrError(_os_words(error), "see simclr doctor"))
        else:
            return True
        return False

    def action_help(self) -> None:
        self.push_screen(Help(self._groups_here()))

    def _groups_here(self) -> tuple[str, ...]:
        """Return the groups of the keys that act on what has the focus."""
        where = self.screen.where if isinstance(self.screen, ActionScreen) else ""
        if isinstance(self.focused, ChartTab):
            return ("in the charts", "charts")
        if isinstance(self.focused, RunList):
            return ("list", "runs")
        return {
            "main": ("tabs", "charts"),
            "form": ("form",),
            "sweep": ("sweep",),
            "compare": ("compare", "charts"),
        }.get(where, ())

    async def action_quit(self) -> None:
        going, them = ("run is", "it") if self._active == 1 else ("runs are", "them")
        words = f"{self._active} {going} still going; simclr tui shows {them} again"
        self.exit(words if self._active else "")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Yield the palette: every action of this screen, and the choice of a theme; `RunsByName` adds the runs."""
        where = screen.where if isinstance(screen, ActionScreen) else ""
        for action in ACTIONS:
            here = action.is_in(where)
            if (here or action.is_in("app")) and action.id != "command_palette":
                run = partial(self._run_from_palette, action.id, screen if here else self)
                yield SystemCommand(f"{action.label}  ({action.keys_shown})", action.help, run)
        help_ = "Try the colours; simclr config set theme NAME keeps them."
        yield SystemCommand("theme", help_, self.action_change_theme)

    async def _run_from_palette(self, action: str, place: Screen[Any] | App[str]) -> None:
        await self.run_action(action, place)
