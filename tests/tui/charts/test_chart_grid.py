"""How many charts there are, in which colours, and with which keys."""

from __future__ import annotations

from simclr_tui.display.colours import run_colour
from simclr_tui.tui.actions import ACTIONS, SCREENS, bindings
from simclr_tui.tui.charts.chart_grid import grid_shape
from simclr_tui.tui.terminal.lifecycle import plain


def test_runs_in_a_row_have_different_colours_that_never_change():
    colours = [run_colour(f"run{number}") for number in range(1, 9)]
    assert len(set(colours)) == 8
    assert run_colour("night") == run_colour("night")
    assert run_colour("\ud800") == run_colour("\ud800")


def test_charts_are_as_many_as_can_be_read():
    assert grid_shape(10, 3) == (1, 1)
    assert grid_shape(78, 28) == (2, 3)
    assert grid_shape(400, 100) == (4, 4)


def test_plain_text_is_ascii_and_as_wide():
    drawn = "╭─ Runs ─╮│● ✓ ▇▁ 62% … │╰─┤"
    assert plain(drawn).isascii()
    assert len(plain(drawn)) == len(drawn)


def test_no_key_of_a_screen_has_two_meanings():
    for where in SCREENS:
        keys = [key for binding in bindings(where) for key in binding.key.split(",")]
        assert len(keys) == len(set(keys)), where
    assert all(action.help.endswith(".") for action in ACTIONS)
