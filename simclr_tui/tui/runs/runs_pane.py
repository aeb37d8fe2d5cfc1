"""What the keys of the run list do: filter, order, marks; and what the list then shows."""

from __future__ import annotations

from dataclasses import replace

from textual import on
from textual.content import Content
from textual.events import Key
from textual.screen import Screen
from textual.widgets import Input

from simclr_tui.catalog.arrange import PROGRESS, groupable, sortable
from simclr_tui.catalog.filter import complete_filter
from simclr_tui.catalog.row import Row, columns, parse_columns
from simclr_tui.errors import SimclrError
from simclr_tui.recipe.fields import field, fields
from simclr_tui.text import safe
from simclr_tui.tui.dialogs.ask import Ask
from simclr_tui.tui.dialogs.pick import Choice, Pick
from simclr_tui.tui.feed.messages import Listing
from simclr_tui.tui.runs.arrangement import Arrangement, differing_fields, group_headings
from simclr_tui.tui.runs.run_line import Signs
from simclr_tui.tui.runs.run_list import RunList
from simclr_tui.tui.runs.status_line import StatusLine

EMPTY = " No runs here yet.\n\n Press n to start one, or type\n   simclr run\n in another terminal."
NOTHING_LEFT = " No run passes the filter.\n\n Press / to change it, escape to drop it."


class ListActions(Screen[None]):
    """The part of the main screen that keeps the list: all rows, how they are arranged, which are marked."""

    def __init__(self) -> None:
        super().__init__()
        self._listing = Listing(())
        self._arrangement = Arrangement()
        self._marked: tuple[str, ...] = ()
        self._names: tuple[str, ...] | None = None
        self._fields: tuple[str, ...] = ()
        self._news: frozenset[str] = frozenset()
        self._titles = ("", "")  # of the list, above and below
        self._wanted = ""  # a run to go to as soon as it is listed

    def ask(self) -> None:
        """Tell the feed what is on screen now."""
        raise NotImplementedError

    def refresh_footer(self) -> None:
        """Show what can be done now."""
        raise NotImplementedError

    def keep_list(self, arrangement: Arrangement) -> None:
        """Keep how the list was left."""
        raise NotImplementedError

    @property
    def runs(self) -> RunList:
        return self.query_one(RunList)

    def go_to(self, name: str) -> None:
        self._wanted = name

    def all_rows(self) -> tuple[Row, ...]:
        """Every run of the store."""
        return self._listing.rows

    def show_rows(self) -> None:
        """Show the rows that pass the filter, in order and in groups."""
        rows = self._arrangement.apply(self._listing.rows)
        groups = self._arrangement.groups(rows)
        if groups:
            rows = [row for group in groups for row in group.rows]
        names = tuple(row["name"] for row in rows)
        if names != self._names:
            self._names, self._fields = names, differing_fields(rows)
        self.runs.empty_text = NOTHING_LEFT if self._listing.rows else EMPTY
        fields, headings = self._arrangement.shown_columns(self._fields), group_headings(groups, self._arrangement)
        self.runs.show(rows, fields, headings, chosen=bool(self._arrangement.columns))
        self._show_signs()
        if self._wanted in names:
            self.runs.select(self._wanted)
            self._wanted = ""
        self.write_title()
        self.refresh_footer()

    def _show_signs(self) -> None:
        self.runs.sign(Signs(frozenset(self._marked), frozenset(self._arrangement.pinned), self._news))

    def add_news(self, names: set[str]) -> None:
        """Something happened to these runs: they have a sign until the cursor comes to them."""
        row = self.runs.current
        self._news |= names - {row["name"] if row else ""}
        self._show_signs()

    def news_seen(self, name: str) -> None:
        if name in self._news:
            self._news -= {name}
            self._show_signs()

    def renamed(self, old: str, new: str) -> None:
        """Marks and pins go with the run."""
        self._marked = tuple(new if name == old else name for name in self._marked)
        self._arrangement = self._arrangement.renamed(old, new)

    def rearrange(self, arrangement: Arrangement) -> None:
        self._arrangement = arrangement
        self.keep_list(arrangement)
        self.show_rows()

    def write_title(self) -> None:
        shown, total = len(self.runs.rows), len(self._listing.rows)
        count = f"{shown:,} of {total:,}" if shown != total else f"{total:,}"
        text = self._arrangement.filter.text
        marks = f"{len(self._marked)} marked · " if self._marked else ""
        titles = f"Runs {count}" + (f" / {safe(text)[:40]}" if text else ""), marks + self._arrangement.words
        if titles != self._titles:  # the pane is drawn anew with everything in it
            pane, self._titles = self.query_one("#runs-pane"), titles
            pane.border_title, pane.border_subtitle = map(Content, titles)

    def action_back(self) -> None:
        if isinstance(self.focused, Input):
            self._leave_filter(keep=False)
        elif not self.runs.has_focus:
            self.remove_class("-opened")
            self.runs.focus()
        elif self._arrangement.filter.text:
            self._leave_filter(keep=False)

    def complete_filter(self, text: str) -> list[str]:
        return complete_filter(text, self._listing.rows[:1000])

    def action_filter(self) -> None:
        self.remove_class("-opened")
        entry = self.query_one("#filter", Input)
        entry.display = True
        self.set_focus(entry)  # at once: the next key may be there already

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        try:
            self._arrangement = self._arrangement.filtered(event.value)
        except SimclrError as error:
            self.query_one(StatusLine).complain(str(error))
            return
        self.query_one(StatusLine).complain("")
        self.show_rows()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self._leave_filter(keep=True)

    def on_key(self, event: Key) -> None:
        if event.key == "down" and isinstance(self.focused, Input):
            self._leave_filter(keep=True)

    def _leave_filter(self, keep: bool) -> None:
        if not keep:
            self.query_one("#filter", Input).value = ""
        self.query_one("#filter").display = False
        self.query_one(StatusLine).complain("")
        self.runs.focus()

    def action_order(self) -> None:
        def taken(column: str | None) -> None:
            if column is not None:
                self.rearrange(self._arrangement.sorted_by(column))

        choices = [Choice(name, name, _about(name)) for name in sortable()]
        self.app.push_screen(Pick("Sort by; the same again turns it round", choices, self._arrangement.order), taken)

    def action_reverse(self) -> None:
        self.rearrange(self._arrangement.reversed())

    def action_group(self) -> None:
        def taken(column: str | None) -> None:
            if column is not None:
                self.rearrange(replace(self._arrangement, group=column))

        differ = [name for name in groupable() if name in self._fields]
        rest = [name for name in groupable() if name not in differ]
        choices = [Choice("", "nothing", "no groups"), *(Choice(name, name, _about(name)) for name in (*differ, *rest))]
        self.app.push_screen(Pick("Group by, with mean ± std of each group", choices, self._arrangement.group), taken)

    def action_pin(self) -> None:
        row = self.runs.current
        if row is not None:
            self.rearrange(self._arrangement.with_pin(row["name"]))

    def action_columns(self) -> None:
        def taken(text: str | None) -> None:
            if text is not None:
                self.rearrange(replace(self._arrangement, columns=parse_columns(text)))

        chosen = ", ".join(self._arrangement.columns)
        self.app.push_screen(
            Ask("Columns of the list, separated by commas", chosen, _columns_words, _complete_columns), taken
        )

    def action_mark(self) -> None:
        row = self.runs.current
        if row is None:
            return
        name = row["name"]
        kept = tuple(one for one in self._marked if one != name)
        self._marked = kept if name in self._marked else (*kept, name)
        self._marks_changed()

    def action_unmark(self) -> None:
        self._marked = ()
        self._marks_changed()

    def _marks_changed(self) -> None:
        self._show_signs()
        self.write_title()
        self.ask()


def _about(column: str) -> str:
    """A few words on a column: the help of the recipe's field."""
    if column in _ABOUT:
        return _ABOUT[column]
    return field(column).help if column in {item.short for item in fields()} else ""


_ABOUT = {
    "created": "when it was started",
    "knn_best": "the best accuracy of the kNN monitor",
    "loss": "the latest loss",
    PROGRESS: "the share of its steps that is done",
    "elapsed": "time of training",
    "tags": "all of a run's tags",
    "linear": "top-1 of the linear probe",
}


def _columns_words(text: str) -> str:
    found = parse_columns(text)
    return f"shows {', '.join(found)}" if found else "nothing chosen: the fields in which the runs differ"


def _complete_columns(text: str) -> list[str]:
    word = text.replace(",", " ").rpartition(" ")[2]
    return [text + name[len(word) :] for name in columns() if word and name.startswith(word)]
