"""Zoom, pan and follow as arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simclr_tui.tui.feed.window import Window

EXTENT = (0.0, 1000.0)


def test_everything_is_shown_until_one_zooms_and_again_when_one_zooms_out():
    assert Window().span(EXTENT) == EXTENT
    assert Window().zoomed(2, None, EXTENT).span(EXTENT) == (500.0, 1000.0)
    assert Window().zoomed(4, None, EXTENT).zoomed(0.25, None, EXTENT) == Window()
    assert Window().zoomed(0.5, None, EXTENT) == Window()


def test_zooming_about_a_place_leaves_it_where_it_is():
    window = Window().zoomed(2, 300.0, EXTENT)
    low, high = window.span(EXTENT)
    assert (low, high) == (150.0, 650.0)
    assert (300.0 - low) / (high - low) == pytest.approx(0.3)


def test_the_live_end_is_followed_until_one_pans_back_and_again_at_the_end():
    window = Window().zoomed(4, None, EXTENT)
    assert window.following
    assert window.span((0.0, 1200.0)) == (950.0, 1200.0)
    back = window.panned(-0.4, EXTENT)
    assert back.span(EXTENT) == (650.0, 900.0)
    assert back.span((0.0, 2000.0)) == (650.0, 900.0), "what one looks at stands still while the run goes on"
    assert back.panned(0.4, EXTENT).following
    assert not window.held(EXTENT).following
    assert window.held(EXTENT).span((0.0, 2000.0)) == window.span(EXTENT)


def test_panning_stops_at_the_start_and_does_not_run_up_a_debt():
    window = Window().zoomed(4, None, EXTENT)
    for _ in range(50):
        window = window.panned(-0.5, EXTENT)
    assert window.span(EXTENT) == (0.0, 250.0)
    assert window.panned(0.5, EXTENT).span(EXTENT) == (125.0, 375.0)


def test_a_place_out_of_view_is_brought_in_by_the_least_move():
    window = Window(100.0, 500.0)
    assert window.showing(450.0, EXTENT) == window
    assert window.showing(520.0, EXTENT).span(EXTENT) == (420.0, 520.0)
    assert window.showing(390.0, EXTENT).span(EXTENT) == (390.0, 490.0)


@given(st.lists(st.tuples(st.sampled_from("zpsh"), st.floats(-3, 3)), max_size=30), st.floats(0, 1e6))
def test_no_series_of_moves_leaves_the_data(moves, end):
    extent = (0.0, end)
    window = Window()
    for kind, value in moves:
        if kind == "z":
            window = window.zoomed(2**value, end * abs(value) / 3 if value > 0 else None, extent)
        elif kind == "p":
            window = window.panned(value, extent)
        elif kind == "s":
            window = window.showing(end * abs(value) / 3, extent)
        else:
            window = window.held(extent)
        low, high = window.span(extent)
        slack = 1e-9 * max(end, 1)
        assert -slack <= low <= high <= end + slack
