"""The list of runs with its filter: arrangement, marks and keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.message import Message
from textual.widgets import Input

from simclr_tui.catalog.arrange import PROGRESS, groupable, sortable
from simclr_tui.catalog.filter import complete_filter
from simclr_tui.catalog.references import Ranked, best_runs, ranked_by_kind, ranked_with, same_ranks
from simclr_tui.catalog.row import EVALUATED, Row, columns
from simclr_tui.display.colours import colours_of
from simclr_tui.display.glyphs import draws_unicode
from simclr_tui.errors import SimclrError
from simclr_tui.recipe.fields import field, fields
from simclr_tui.store.metrics.metric_table import LISTED, METRICS
from simclr_tui.store.run import Run
from simclr_tui.text import safe
from simclr_tui.tui.action_screen import Doers
from simclr_tui.tui.charts.render import letter
from simclr_tui.tui.dialogs.checklist import Checklist
from simclr_tui.tui.dialogs.entry import Entry
from simclr_tui.tui.dialogs.pick import Choice, Pick
from simclr_tui.tui.feed.messages import Listing
from simclr_tui.tui.host import Host
from simclr_tui.tui.runs.arrangement import Arrangement, differing_fields, group_headings
from simclr_tui.tui.runs.run_line import Signs
from simclr_tui.tui.runs.run_list import RunList
from simclr_tui.tui.runs.second_line import second_line, waiting_words
from simclr_tui.tui.view_state import ViewState

EMPTY = (
    " No runs here yet.\n\n n  start one from a form\n ?  find a key\n q  leave\n\n"
    " or type in another terminal\n    simclr run"
)
FILTER_KEYS = "enter OK · → complete · esc clear"
NOTHING_LEFT = " No runs match.\n\n / to edit, esc to clear"


def first_to_look_at(rows: Sequence[Row]) -> str:
    """Return the name of the first running run, else of the first with data, else of the first."""
    running = next((row["name"] for row in rows if row["state"] == "running"), "")
    return running or next((row["name"] for row in rows if row.get("step")), "") or rows[0]["name"] if rows else ""


class RunsPane(Vertical):
    """Show all runs of the store, with the arrangement of the list and the marks."""

    class Changed(Message):
        """Posted when marks or rows change, and with them possible actions or curves."""

    class Complained(Message):
        """Posted when the filter is invalid; an empty sentence clears the error."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, host: Host, view_state: ViewState, id: str | None = None) -> None:
        super().__init__(id=id)
        self._host = host
        self._view_state = view_state
        self._listing = Listing(())
        self.arrangement = Arrangement.left_as(view_state.layout)
        self.marked: tuple[str, ...] = ()
        self._names: tuple[str, ...] | None = None
        self._fields: tuple[str, ...] = ()
        self._news: frozenset[str] = frozenset()
        self._titles = ("", "")  # the list's titles, above and below
        self._types_filter = False
        self._wanted = ""  # a run to go to as soon as it is listed
        self._waits: dict[str, str] = {}  # what each queued run waits for
        self._ranked: Ranked = {}
        self.sweeps: tuple[str, ...] = ()  # whose runs are listed
        self._opening = True  # while the cursor follows the run worth looking at first
        self._opened_on = ""  # where the opening has put the cursor
        self.doers: Doers = {
            "order": self.choose_order,
            "reverse": self.reverse,
            "group": self.choose_group,
            "pin": self.pin,
            "columns": self.choose_columns,
            "mark": self.mark,
            "unmark": self.unmark,
        }

    def compose(self) -> ComposeResult:
        yield Entry("state:running bs>=256 knn>0.8 text", id="filter", complete=self._complete_filter)
        yield RunList(id="runs")

    def on_mount(self) -> None:
        self._write_title()

    # Rows.

    @property
    def runs(self) -> RunList:
        return self.query_one(RunList)

    @property
    def current(self) -> Row | None:
        """Return the row under the cursor."""
        return self.runs.current if self.is_mounted else None

    def current_run(self) -> Run | None:
        row = self.current
        return self._host.store.run(row["name"]) if row else None

    def is_current(self, name: str) -> bool:
        """Return True if the cursor is on the named run."""
        row = self.current
        return row is not None and row["name"] == name

    @property
    def best_knn(self) -> float | None:
        """Return the best kNN accuracy, 0–1, of the runs that can be compared with the one under the cursor."""
        row = self.current
        ranked = ranked_with(self._ranked, row) if row else []
        return ranked[0]["knn_best"] if len(ranked) > 1 else None

    def waits_for(self, name: str) -> str:
        """Return what a queued run waits for; empty for every other one."""
        return self._waits.get(name, "")

    def go_to(self, name: str) -> None:
        self._wanted = name

    def show_run(self, name: str) -> None:
        """Put the cursor on a listed run; a filter that hides it is cleared."""
        if all(row["name"] != name for row in self.runs.rows):
            self.arrangement = self.arrangement.filtered("")
            self._entry.value = ""
            self.show_rows()
        self.runs.select(name)

    @property
    def all_rows(self) -> tuple[Row, ...]:
        return self._listing.rows

    def compared(self) -> tuple[str, ...]:
        """Return the runs to compare: the marked ones; a single one with the run under the cursor."""
        row = self.current
        alone = row is not None and len(self.marked) == 1 and row["name"] not in self.marked
        return (*self.marked, row["name"]) if row is not None and alone else self.marked

    def take(self, listing: Listing) -> None:
        """Show a new listing."""
        if not same_ranks(self._listing.rows, listing.rows):
            self._ranked = ranked_by_kind(listing.rows)
        self._listing = listing
        known = {row["name"] for row in listing.rows}
        self.marked = tuple(name for name in self.marked if name in known)
        self._waits = waiting_words(listing.rows, listing.paused, dict(listing.reasons))
        self.sweeps = tuple(dict.fromkeys(row["sweep"] for row in listing.rows if row.get("sweep")))
        self._opening = self._opening and not self.marked and self.is_current(self._opened_on)
        self.show_rows()
        if (self._opening or not self._opened_on) and listing.rows:
            self._opened_on = first_to_look_at(self.runs.rows)
            self.runs.select(self._opened_on)
            self._opening = listing.indexing

    def show_rows(self) -> None:
        """Show the rows that pass the filter, in order and in groups."""
        rows = self.arrangement.apply(self._listing.rows)
        groups = self.arrangement.groups(rows)
        if groups:
            rows = [row for group in groups for row in group.rows]
        names = tuple(row["name"] for row in rows)
        if names != self._names:
            self._names, self._fields = names, differing_fields(rows)
        self.runs.empty_text = NOTHING_LEFT if self._listing.rows else EMPTY
        fields, headings = self.arrangement.shown_columns(self._fields), group_headings(groups, self.arrangement)
        if not self.arrangement.columns:
            fields = (*fields, *(name for name in _TELLING if name not in fields and _is_known(name, rows)))
        second = {index: line for index, row in enumerate(rows) if (line := second_line(row, self._waits))}
        self.runs.show(rows, fields, headings=headings, second=second, needed=self.arrangement.needed_columns)
        self._show_signs()
        if self._wanted in names:
            self.runs.select(self._wanted)
            self._wanted = ""
        self._write_title()

    def _show_signs(self) -> None:
        colours = colours_of(self.marked)
        several = len(self.marked) > 1
        marks = {
            name: (letter(index) if several else "▐" if draws_unicode() else "#", colours[name])
            for index, name in enumerate(self.marked)
        }
        self.runs.sign(Signs(marks, frozenset(self.arrangement.pinned), self._news, best_runs(self._ranked)))

    def add_news(self, names: set[str]) -> None:
        """Mark runs with news, until the cursor reaches them."""
        row = self.current
        self._news |= names - {row["name"] if row else ""}
        self._show_signs()

    @on(RunList.Moved)
    def _news_seen(self, message: RunList.Moved) -> None:
        if message.name in self._news:
            self._news -= {message.name}
            self._show_signs()

    def renamed(self, old: str, new: str) -> None:
        self.marked = tuple(new if name == old else name for name in self.marked)
        self.arrangement = self.arrangement.renamed(old, new)

    def rearrange(self, arrangement: Arrangement) -> None:
        """Apply an arrangement, and remember it."""
        self.arrangement = arrangement
        self._view_state.change(**arrangement.left)
        self.show_rows()

    def _write_title(self) -> None:
        shown, total = len(self.runs.rows), len(self._listing.rows)
        count = f"{shown:,} of {total:,}" if shown != total else f"{total:,}"
        text = self.arrangement.filter.text
        marks = f"{len(self.marked)} marked · " if self.marked else ""
        below = FILTER_KEYS if self._types_filter else marks + self.arrangement.words
        titles = f"Runs {count}" + (f" / {safe(text)[:40]}" if text else ""), below
        if titles != self._titles:  # setting a title redraws the pane and everything in it
            self._titles = titles
            self.border_title, self.border_subtitle = map(Content, titles)

    @on(RunList.HeadingClicked)
    def _heading_clicked(self, message: RunList.HeadingClicked) -> None:
        """Sort by the column; click it again to reverse the order."""
        message.stop()
        self.rearrange(self.arrangement.sorted_by(message.column))

    # The filter.

    @property
    def _entry(self) -> Entry:
        return self.query_one("#filter", Entry)

    @property
    def is_filtering(self) -> bool:
        """Return True if the filter has the focus."""
        return self.screen.focused is self._entry  # has_focus becomes true only after a message

    def _complete_filter(self, text: str) -> list[str]:
        return complete_filter(text, self._listing.rows[:1000])

    def start_filter(self) -> None:
        """Focus the filter at once: the next key may have been typed already."""
        self._entry.display = self._types_filter = True
        self.screen.set_focus(self._entry)
        self._write_title()

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        try:
            self.arrangement = self.arrangement.filtered(event.value)
        except SimclrError as error:
            self.post_message(self.Complained(str(error)))
            return
        self.post_message(self.Complained(""))
        self.show_rows()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.leave_filter(keep=True)

    def on_key(self, event: Key) -> None:
        if event.key == "down" and self.is_filtering:
            self.leave_filter(keep=True)

    def leave_filter(self, keep: bool) -> None:
        """Focus the list; clear the filter unless it is kept."""
        if not keep:
            self._entry.value = ""
        self._entry.display = self._types_filter = False
        self._write_title()
        self.post_message(self.Complained(""))
        self.runs.focus()

    # Keys.

    def choose_order(self) -> None:
        """Ask for the column to sort by."""

        def taken(column: str | None) -> None:
            if column is not None:
                self.rearrange(self.arrangement.sorted_by(column))

        choices = [Choice(name, name, _about(name)) for name in sortable()]
        likely = "knn_best" if self.arrangement.order == "created" else self.arrangement.order
        self._host.show(Pick("Sort by; the same again reverses the order", choices, likely), taken)

    def reverse(self) -> None:
        """Reverse the order."""
        self.rearrange(self.arrangement.reversed())

    def choose_group(self) -> None:
        """Ask for the column to group by."""

        def taken(column: str | None) -> None:
            if column is not None:
                self.rearrange(replace(self.arrangement, group=column))

        differ = [name for name in groupable() if name in self._fields]
        rest = [name for name in groupable() if name not in differ]
        choices = [Choice("", "nothing", "no groups"), *(Choice(name, name, _about(name)) for name in (*differ, *rest))]
        self._host.show(Pick("Group by, with mean ± std of each group", choices, self.arrangement.group), taken)

    def pin(self) -> None:
        """Pin the run under the cursor, or unpin it."""
        row = self.current
        if row is not None:
            self.rearrange(self.arrangement.with_pin(row["name"]))

    def choose_columns(self) -> None:
        """Ask for the columns of the list."""

        def taken(chosen: tuple[str, ...] | None) -> None:
            if chosen is not None:
                self.rearrange(replace(self.arrangement, columns=chosen))

        names = dict.fromkeys((*self._fields, *columns()))
        choices = [Choice(name, name, _about(name)) for name in names if name != "name"]
        nothing = "nothing chosen: the fields in which the runs differ"
        self._host.show(Checklist("Columns of the list", choices, self.arrangement.columns, nothing=nothing), taken)

    def mark(self) -> None:
        """Mark the run under the cursor, or unmark it."""
        row = self.current
        if row is None:
            return
        name = row["name"]
        kept = tuple(one for one in self.marked if one != name)
        self.marked = kept if name in self.marked else (*kept, name)
        self._marks_changed()

    def unmark(self) -> None:
        """Clear all marks."""
        self.marked = ()
        self._marks_changed()

    def _marks_changed(self) -> None:
        self._show_signs()
        self._write_title()
        self.post_message(self.Changed())


def _is_known(column: str, rows: Sequence[Row]) -> bool:
    return any(row.get(column) not in (None, "") for row in rows[:1000])


def _about(column: str) -> str:
    """Return a few words on a column: the help of its recipe field."""
    if column in {item.short for item in fields()}:
        return field(column).help
    return METRICS[column].about if column in METRICS else _ABOUT.get(column, "")


# Shown after the fields in which the runs differ, where there is room: results first.
_TELLING = (*EVALUATED, *(name for name in LISTED if not name.startswith("knn")), "elapsed", "created", "tags")

_ABOUT = {
    "state": "training, finished, failed, …",
    "place": "its place in the queue",
    "created": "when it was started",
    "path": "its folder",
    "note": "what was noted about it",
    "sweep": "the sweep that it belongs to",
    "trial": "its number in the sweep",
    PROGRESS: "the share of its steps that is done",
    "elapsed": "time of training",
    "tags": "all of a run's tags",
}
