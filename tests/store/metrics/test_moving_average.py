"""The growing average against the formula."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simclr_tui.store.metrics.downsample import smooth
from simclr_tui.store.metrics.history import Column
from simclr_tui.store.metrics.moving_average import Smoothed


def column_of(values, first_row=0):
    column = Column()
    for row, value in enumerate(values, first_row):
        column.rows.append(row)
        column.extremes.append(value)
    return column


def formula(values, weight):
    """Σ wⁿ⁻ⁱ·xᵢ / Σ wⁿ⁻ⁱ over the values that are numbers."""
    found, known = [], []
    for value in values:
        if math.isnan(value):
            found.append(math.nan)
            continue
        known.append(value)
        powers = [weight ** (len(known) - 1 - index) for index in range(len(known))]
        found.append(sum(p * x for p, x in zip(powers, known, strict=True)) / sum(powers))
    return found


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(-100, 100) | st.just(math.nan), max_size=60),
    st.sampled_from([0.0, 0.6, 0.9, 0.98]),
    st.integers(1, 70),
)
def test_it_is_the_formula_however_it_is_read(values, weight, budget):
    smoothed, column = Smoothed(weight), column_of(values)
    turns = 1
    while smoothed.update(column, budget):
        turns += 1
    assert turns == max(1, -(-len(values) // budget))
    assert list(smoothed.rows) == list(column.rows)
    assert list(smoothed.extremes.values) == pytest.approx(formula(values, weight), nan_ok=True)
    assert list(smoothed.extremes.values) == pytest.approx(smooth(values, weight), nan_ok=True)


def test_new_values_are_averaged_in_and_nothing_is_done_twice():
    smoothed, column = Smoothed(0.9), column_of([1.0, 2.0])
    assert not smoothed.update(column, 10)
    assert not smoothed.update(column, 10)
    column.rows.append(2)
    column.extremes.append(9.0)
    smoothed.update(column, 10)
    assert list(smoothed.extremes.values) == pytest.approx(formula([1.0, 2.0, 9.0], 0.9))


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_a_resumed_attempt_that_tells_it_anew_is_averaged_anew(keep):
    values = [1.0, 2.0, math.nan, 4.0, 5.0]
    smoothed, column = Smoothed(0.6), column_of(values)
    smoothed.update(column, 100)
    anew = [*values[:keep], *(value + 100 for value in (7.0, 8.0, 9.0, 10.0, 11.0))]
    replaced = column_of(anew)
    smoothed.update(replaced, 100)
    assert list(smoothed.extremes.values) == pytest.approx(formula(anew, 0.6), nan_ok=True)
    shorter = column_of(anew[:2])
    smoothed.update(shorter, 100)
    assert list(smoothed.extremes.values) == pytest.approx(formula(anew[:2], 0.6))
