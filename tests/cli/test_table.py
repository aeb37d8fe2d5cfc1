"""Tables never fold: one line a row in any width, nothing cut where no width is given, what is left out is named."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from simclr_tui.cli import output
from simclr_tui.cli.table import draw_table, shorten
from simclr_tui.display.cells import width_of
from simclr_tui.display.glyphs import state_cell
from simclr_tui.store.state import STATES

CELLS = st.text("abc 019.–●✓é語🙂", max_size=30).map(str.strip)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_row_is_one_line_within_the_width_and_what_is_hidden_is_named(data):
    count = data.draw(st.integers(1, 6))
    titles = [f"column{index}" for index in range(count)]
    rows = data.draw(st.lists(st.lists(CELLS, min_size=count, max_size=count), max_size=5))
    width = data.draw(st.integers(20, 120))
    drawn = draw_table(titles, rows, right=data.draw(st.sets(st.integers(0, count - 1))), width=width)
    lines = drawn.text.split("\n")
    assert len(lines) == 1 + len(rows)
    assert max(map(width_of, lines)) <= width
    shown = [title for title in titles if title not in drawn.hidden]
    assert shown[0] == titles[0]
    assert lines[0].count("column") + lines[0].count("…") >= len(shown)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=5))
def test_without_a_width_nothing_is_left_out_or_shortened(rows):
    drawn = draw_table(["one", "two", "three"], rows)
    assert drawn.hidden == ()
    for line, row in zip(drawn.text.split("\n")[1:], rows, strict=True):
        assert all(cell in line for cell in row)


def test_columns_go_in_the_given_order_and_numbers_are_never_cut():
    row = ["a-run-with-a-rather-long-name-seed1", "87.2%", "0.2", "a long remark about it"]
    drawn = draw_table(["run", "kNN", "temp", "note"], [row], right=(1, 2), width=30, drop=["note", "temp"])
    assert drawn.hidden == ("temp", "note")
    assert "87.2%" in drawn.text
    assert re.search(r"a-run-with-.*….*seed1", drawn.text)


def test_a_name_keeps_its_beginning_and_its_end():
    assert shorten("dcl-temp0.2-800ep", 9) == "dcl-…00ep"
    assert shorten("dcl", 9) == "dcl"
    assert width_of(shorten("語" * 20, 9)) <= 9


def test_columns_line_up_where_characters_are_two_cells_wide():
    lines = draw_table(["run", "kNN"], [["語語", "1"], ["abcd", "22"]], right=(1,)).text.split("\n")
    assert len({width_of(line) for line in lines}) == 1


def test_a_state_is_coloured_with_its_flags():
    rows = [["run", state_cell(state, ["collapsed"])] for state in STATES]
    text = draw_table(["run", "state"], rows, style=output._style).text
    assert "\x1b[31m" in text
    assert text.startswith("\x1b[1mrun")
    assert len(re.findall(r"\x1b\[3\dm\S+ (?:running|starting|failed|lost|stopped) \(collapsed\)", text)) == 5
