"""What the keys of the run list do: filter, order, marks; and what the list then shows."""

from __future__ import annotations

from textual import on
from textual.content import Content
from textual.events import Key
from textual.screen import Screen
from textual.widgets import Input

from simclr_tui.errors import SimclrError
from simclr_tui.text import safe
from simclr_tui.tui.listing import Arrangement, differing_fields
from simclr_tui.tui.snapshots import Listing
from simclr_tui.tui.widgets.run_list import RunList
from simclr_tui.tui.widgets.status_line import StatusLine

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
        self._wanted = ""  # a run to go to as soon as it is listed

    def ask(self) -> None:
        """Tell the feed what is on screen now."""
        raise NotImplementedError

    def refresh_footer(self) -> None:
        """Show what can be done now."""
        raise NotImplementedError

    @property
    def runs(self) -> RunList:
        return self.query_one(RunList)

    def go_to(self, name: str) -> None:
        self._wanted = name

    def show_rows(self) -> None:
        """Show the rows that pass the filter, in order."""
        rows = self._arrangement.apply(self._listing.rows)
        names = tuple(row["name"] for row in rows)
        if names != self._names:
            self._names, self._fields = names, differing_fields(rows)
        self.runs.empty_text = NOTHING_LEFT if self._listing.rows else EMPTY
        self.runs.show(rows, self._fields)
        self.runs.mark(frozenset(self._marked))
        if self._wanted in names:
            self.runs.select(self._wanted)
            self._wanted = ""
        self.write_title()
        self.refresh_footer()

    def write_title(self) -> None:
        shown, total = len(self.runs.rows), len(self._listing.rows)
        count = f"{shown:,} of {total:,}" if shown != total else f"{total:,}"
        text = self._arrangement.filter.text
        pane = self.query_one("#runs-pane")
        pane.border_title = Content(f"Runs {count}" + (f" / {safe(text)[:40]}" if text else ""))
        marks = f"{len(self._marked)} marked · " if self._marked else ""
        pane.border_subtitle = Content(marks + self._arrangement.words)

    def action_back(self) -> None:
        if isinstance(self.focused, Input):
            self._leave_filter(keep=False)
        elif not self.runs.has_focus:
            self.remove_class("-opened")
            self.runs.focus()
        elif self._arrangement.filter.text:
            self._leave_filter(keep=False)

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
        self._arrangement = self._arrangement.next_order()
        self.show_rows()

    def action_reverse(self) -> None:
        arrangement = self._arrangement
        self._arrangement = Arrangement(arrangement.filter, arrangement.order, not arrangement.reverse)
        self.show_rows()

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
        self.runs.mark(frozenset(self._marked))
        self.write_title()
        self.ask()
