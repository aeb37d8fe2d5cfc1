"""Show one sweep: its trials as a table that sorts, the best one, and kNN by the values of its fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.widgets import DataTable, Static

from simclr_tui.catalog.row import Row
from simclr_tui.display.glyphs import draws_unicode
from simclr_tui.sweep.folder import Sweep
from simclr_tui.sweep.results import TrialResult, best_trial, sweep_results
from simclr_tui.sweep.words import score_words, trial_states
from simclr_tui.text import number, safe, value_text
from simclr_tui.tui.action_screen import ActionScreen, Doer
from simclr_tui.tui.actions import bindings
from simclr_tui.tui.breakpoints import WIDTHS
from simclr_tui.tui.host import Host
from simclr_tui.tui.key_line import KeyLine
from simclr_tui.tui.sweep_text import sweep_text

_AGAIN = 1.0  # seconds between two looks at the listing, which the feed reads anyway
_TRIAL, _KNN, _PUBLISHED, _STATE = "trial", "kNN", "published", "state"


class SweepScreen(ActionScreen[str | None]):
    """Show a sweep, with the runs that `rows` lists now. It is dismissed with the name of a run to go to."""

    where = "sweep"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("sweep")]
    HORIZONTAL_BREAKPOINTS = WIDTHS

    def __init__(self, host: Host, sweep: Sweep, rows: Callable[[], Sequence[Row]]) -> None:
        super().__init__()
        self._host, self._sweep, self._rows = host, sweep, rows
        self._results: list[TrialResult] = []
        self._order, self._reversed = _KNN, False
        self._shown: object = None
        self._doers = {"sort_trials": self.sort, "open_trial": self.open, "cancel": self.action_cancel}

    def compose(self) -> ComposeResult:
        title = f" Sweep {safe(self._sweep.name)}" + (f": {safe(self._sweep.title)}" if self._sweep.title else "")
        yield Static(Text(title, style="bold"), id="form-title")
        with Container(id="sweep-body"):
            yield DataTable(id="trials", cursor_type="row")
            with VerticalScroll(id="sweep-scroll"):
                yield Static(id="sweep-text")
        yield KeyLine(self._host.readonly)

    def on_mount(self) -> None:
        self._table.focus()
        self.call_after_refresh(self._look_again)
        self.set_interval(_AGAIN, self._look_again)

    def on_resize(self) -> None:
        self.call_after_refresh(self._look_again)

    def doer(self, name: str) -> Doer | None:
        return self._doers.get(name)

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one("#trials", DataTable)

    def _look_again(self) -> None:
        """Show what the runs have come to, if that has changed."""
        if not self.is_attached:
            return
        self._results = sweep_results(self._sweep, self._rows())
        width = self.query_one("#sweep-scroll").content_size.width
        now = (self._results, self._order, self._reversed, width)
        if now != self._shown:
            self._shown = now
            self._fill_table()
            self.query_one("#sweep-text", Static).update(sweep_text(self._sweep, self._results, width))

    # The table of trials.

    def _fill_table(self) -> None:
        """Write the trials in their order; the cursor stays on its trial."""
        table, best, at = self._table, best_trial(self._results), self._number
        table.clear(columns=True)
        arrow = ("▲" if self._ascends else "▼") if draws_unicode() else ("^" if self._ascends else "v")
        columns = self._columns
        for name in columns:
            table.add_column(_cell(name, f"{name} {arrow}" if name == self._order else name), key=name)
        for result in self._in_order():
            table.add_row(*self._cells(result, columns, result is best), key=str(result.number))
        if at is not None and str(at) in {row.value for row in table.rows}:
            table.move_cursor(row=table.get_row_index(str(at)))

    @property
    def _columns(self) -> list[str]:
        published = any(result.published is not None for result in self._results)
        return [_TRIAL, *self._sweep.varied, _KNN, *([_PUBLISHED] if published else []), _STATE]

    def _cells(self, result: TrialResult, columns: list[str], best: bool) -> list[Text]:
        star = ("★" if draws_unicode() else "*") if best else " "
        words = {name: value_text(value) for name, value in result.values.items()}
        words |= {_TRIAL: str(result.number), _KNN: f"{score_words(result)}{star}", _STATE: trial_states(result)}
        if result.published is not None:
            words[_PUBLISHED] = number(result.published)
        return [_cell(name, words.get(name, "–"), "bold" if best else "") for name in columns]

    def _in_order(self) -> list[TrialResult]:
        """Return the trials in the chosen order; those without a value stand last."""
        known = [(one, value) for one in self._results if (value := self._value(one)) is not None]
        known.sort(key=lambda pair: (isinstance(pair[1], str), pair[1]), reverse=not self._ascends)
        return [one for one, _ in known] + [one for one in self._results if self._value(one) is None]

    def _value(self, result: TrialResult) -> float | str | None:
        """Return what a trial is sorted by."""
        own = {_TRIAL: result.number, _KNN: result.mean, _PUBLISHED: result.published, _STATE: trial_states(result)}
        return own[self._order] if self._order in own else result.values.get(self._order)

    @property
    def _ascends(self) -> bool:
        """Return True if the smallest value stands first, as it does unless it is an accuracy, or reversed."""
        return (self._order not in (_KNN, _PUBLISHED)) != self._reversed

    @property
    def _number(self) -> int | None:
        """Return the trial under the cursor."""
        table = self._table
        if not table.row_count:
            return None
        return int(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value or 0)

    # Keys and the mouse.

    def sort(self) -> None:
        """Sort by the next column."""
        columns = self._columns
        self._order_by(columns[(columns.index(self._order) + 1) % len(columns)])

    @on(DataTable.HeaderSelected)
    def _heading_clicked(self, event: DataTable.HeaderSelected) -> None:
        self._order_by(str(event.column_key.value))

    def _order_by(self, column: str) -> None:
        """Sort by a column, or reverse the order of the same one."""
        self._reversed = column == self._order and not self._reversed
        self._order = column
        self._look_again()

    @on(DataTable.RowSelected)
    def open(self) -> None:
        """Go to the first run of the trial under the cursor."""
        chosen = self._number
        run = next((result.runs[0] for result in self._results if result.number == chosen), None)
        if run is not None:
            self.dismiss(run)

    def action_cancel(self) -> None:
        self.dismiss(None)


def _cell(column: str, words: str, style: str = "") -> Text:
    return Text(words, style, justify="left" if column == _STATE else "right")
