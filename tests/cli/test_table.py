"""A table drawn quickly is the table that rich draws."""

from __future__ import annotations

import io
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simclr_tui.cli import output
from simclr_tui.cli.table import draw_grid
from simclr_tui.store.state import STATES

CELLS = st.text("abc 019.–●✓é", max_size=9).map(str.strip) | st.sampled_from(
    ["● running", "✗ failed (diverged)", "12 %"]
)


def by_rich(titles, rows, right, colour=False):
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, title in enumerate(titles):
        grid.add_column(title, justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*[Text(cell, style=output._style(cell)) for cell in row])
    stream = io.StringIO()
    Console(file=stream, width=160, highlight=False, markup=False, emoji=False, force_terminal=colour).print(grid)
    return stream.getvalue()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_it_is_what_rich_prints(data):
    count = data.draw(st.integers(1, 6))
    titles = data.draw(st.lists(CELLS.filter(bool), min_size=count, max_size=count))
    rows = data.draw(st.lists(st.lists(CELLS, min_size=count, max_size=count), max_size=6))
    right = data.draw(st.sets(st.integers(0, count - 1)))
    assert draw_grid(titles, rows, right, 160, None) + "\n" == by_rich(titles, rows, right)


def test_states_have_the_colours_that_rich_gives_them():
    rows = [[f"run{index}", output.state_cell(state), "é"] for index, state in enumerate(STATES)]
    drawn = draw_grid(["run", "state", ""], rows, (), 160, output._style)
    expected = by_rich(["run", "state", ""], rows, (), colour=True)
    for row in rows:
        colours = [re.findall(r"\x1b\[(3\d)m" + re.escape(row[1]), text) for text in (drawn, expected)]
        assert colours[0] == colours[1]
    assert drawn.startswith("\x1b[1mrun")


def test_what_does_not_fit_or_is_not_one_cell_a_character_is_left_to_rich():
    assert draw_grid(["abc", "de"], [["1", "2"]], (), 6, None) is None
    assert draw_grid(["abc", "de"], [["1", "2"]], (), 7, None) is not None
    for odd in ("語", "🙂", "e\u0301"):
        assert draw_grid(["abc"], [[odd]], (), 80, None) is None


def test_a_table_holds_no_control_character(capsys):
    output.table(["a\x1b[2J"], [["b\nc\x9b"], ["語\x07"]])
    shown = capsys.readouterr().out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
    assert "␊" in shown
