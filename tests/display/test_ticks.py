"""Ticks of a chart's axes."""

from __future__ import annotations

import itertools
import math

import pytest

from simclr_tui.display.ticks import log_ticks, nice_ticks, round_range, time_ticks
from simclr_tui.tui.charts.canvas import Canvas


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (-3e5, 12.0), (4.79, 4.81), (1e-12, 2e-12), (0.0, 1e300), (99.0, 100.0)]
)
@pytest.mark.parametrize("count", [2, 3, 7])
def test_ticks_are_round_inside_and_about_as_many_as_asked(low, high, count):
    ticks = nice_ticks(low, high, count)
    assert 1 <= len(ticks) <= 2 * count + 2
    slack = (high - low) * 1e-6
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    if len(ticks) > 1:
        step = ticks[1] - ticks[0]
        mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
        assert min(abs(mantissa - nice) for nice in (1, 2, 2.5, 5, 10)) < 1e-3


def test_time_ticks_stand_at_minutes_and_hours():
    assert time_ticks(0, 3700, 4) == [0, 1200, 2400, 3600]
    assert time_ticks(0, 8, 5) == [0, 2, 4, 6, 8]
    assert len(time_ticks(0, 1e9, 5)) <= 6


def test_log_ticks_are_powers_of_ten_or_the_ends():
    assert log_ticks(-2.5, 1.2) == [-2, -1, 0, 1]
    assert log_ticks(0.2, 0.7) == [0.2, 0.7]


@pytest.mark.parametrize("rows", [1, 3, 5, 7, 9, 11, 25])
def test_the_y_axis_begins_and_ends_with_a_round_number_at_even_rows(rows):
    for low, high in ((4.83, 5.93), (0.0, 100.0), (24_913.0, 27_120.0), (1e-5, 3e-4), (2.0, 2.0001), (10.0, 34.2)):
        bottom, top, ticks = round_range(low, high, rows)
        assert bottom <= low + 1e-12
        assert top >= high - 1e-12
        assert (ticks[0], ticks[-1]) == (bottom, top)
        steps = [after - before for before, after in itertools.pairwise(ticks)]
        mantissa = steps[0] / 10 ** math.floor(math.log10(steps[0]) + 1e-9)
        assert min(abs(mantissa - nice) for nice in (1, 2, 2.5, 3, 4, 5)) < 1e-3
        assert max(steps) - min(steps) <= 1e-6 * max(steps)
        assert high - low >= 0.4 * (top - bottom), "most of the chart is used"
        canvas = Canvas(30, rows, (0.0, 1.0, bottom, top), fine=True)
        at = [canvas.row_of(tick) for tick in ticks]
        assert len({before - after for before, after in itertools.pairwise(at)}) == 1, "even rows"


def test_a_range_across_zero_or_of_no_size_has_ticks_too():
    assert round_range(-0.13, 0.1, 5)[2] == [-0.2, 0.0, 0.2]
    assert round_range(-0.13, 0.1, 2)[2] == [-0.13, 0.1], "one step never covers both sides of zero"
    assert round_range(0.0, 5e-324, 5)[2] == [0.0, 5e-324]
    assert round_range(-8e307, 8e307, 5)[2] == [-8e307, 8e307]
