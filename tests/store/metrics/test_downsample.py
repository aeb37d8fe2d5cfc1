"""A chart's points against looking at every value."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simclr_tui.paths import RunPaths
from simclr_tui.store.metrics import downsample, minmax_tree
from simclr_tui.store.metrics.downsample import decimate, smooth, thin
from simclr_tui.store.metrics.history import Column, History

NAN = math.nan


def history_of(values: list[float], steps: list[int] | None = None, metric: str = "loss") -> History:
    """A history as if these values had been read."""
    history = History(RunPaths(Path("/nowhere")))
    column = history.columns.setdefault(metric, Column())
    for row, value in enumerate(values):
        step = steps[row] if steps else row
        history.step.append(step)
        history.epoch.append(step / 10)
        history.time.append(step * 0.5)
        column.rows.append(row)
        column.extremes.append(value)
    return history


def known(values: list[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]


@settings(max_examples=300, deadline=None)
@given(
    values=st.lists(st.floats(-10, 10) | st.just(NAN), max_size=400),
    ahead=st.lists(st.integers(0, 9), min_size=400, max_size=400),
    columns=st.integers(1, 60),
    axis=st.sampled_from(["step", "epoch", "time"]),
)
def test_each_column_keeps_its_lowest_and_highest(values, ahead, columns, axis):
    steps = [sum(ahead[: index + 1]) for index in range(len(values))]
    history = history_of(values, steps)
    xs, ys = decimate(history, "loss", columns, axis=axis)
    assert len(xs) == len(ys) <= 2 * columns + 1
    assert xs == sorted(xs)
    every_x = [{"step": step, "epoch": step / 10, "time": step * 0.5}[axis] for step in steps]  # as in the history
    if not values:
        assert xs == []
        return
    assert {round(x, 9) for x in xs} <= {round(x, 9) for x in every_x}
    assert xs[-1] == pytest.approx(every_x[-1]) or math.isnan(values[-1])
    if not math.isnan(values[-1]):
        assert ys[-1] == values[-1], "the newest point is the last one"
    if len(values) <= 2 * columns:
        assert [None if math.isnan(y) else y for y in ys] == [None if math.isnan(v) else v for v in values]
        return
    low, high = every_x[0], every_x[-1]
    edges = [low + (high - low) * (index + 1) / columns for index in range(columns)]
    last = 0
    drawn = list(zip(xs, ys, strict=True))
    drawn = drawn if math.isnan(values[-1]) else drawn[:-1]
    for index, edge in enumerate(edges):
        stop = len(values) if index == columns - 1 else sum(x <= edge for x in every_x)
        inside = values[last:stop]
        if inside:
            points = [drawn.pop(0)]
            if len(set(known(inside))) > 1:
                points.append(drawn.pop(0))
            found = [y for _, y in points]
            if known(inside):
                assert sorted(found) == sorted({min(known(inside)), max(known(inside))})
            else:
                assert all(math.isnan(y) for y in found)
            assert all(every_x[last] <= x + 1e-9 and x <= every_x[stop - 1] + 1e-9 for x, _ in points)
        last = max(last, stop)
    assert not drawn


def test_a_gap_of_nan_stays_a_gap():
    history = history_of([1.0] * 400 + [NAN] * 200 + [2.0] * 400)
    _, ys = decimate(history, "loss", 50)
    gap = [index for index, y in enumerate(ys) if math.isnan(y)]
    assert len(gap) >= 8
    assert gap == list(range(gap[0], gap[-1] + 1))
    assert set(ys[: gap[0]]) == {1.0}
    assert 2.0 in ys[gap[-1] + 1 :]


def test_a_single_spike_among_a_hundred_thousand_is_drawn():
    values = [1.0] * 100_000
    values[54_321] = 77.0
    _, ys = decimate(history_of(values), "loss", 80)
    assert ys.count(77.0) == 1


@pytest.mark.parametrize("axis", ["step", "epoch", "time"])
@pytest.mark.parametrize("span", [None, (0.0, 40_000.5), (15_000.25, 61_234.5), (99.0, 33_000.0)])
def test_a_long_history_is_reduced_at_once_to_the_same_points(monkeypatch, axis, span):
    draw = random.Random(f"{axis}{span}")
    values = [NAN if draw.random() < 0.2 else draw.gauss(0, 1) for _ in range(70_000)]
    values[30_000:33_000] = [NAN] * 3_000  # whole columns without a number
    steps = sorted(draw.randrange(70_000) for _ in values)
    history = history_of(values, steps)
    at_once = [decimate(history, "loss", columns, axis=axis, span=span) for columns in (1, 7, 120)]
    for module in (downsample, minmax_tree):
        monkeypatch.setattr(module, "MANY", len(values) + 1)
    in_turn = [decimate(history, "loss", columns, axis=axis, span=span) for columns in (1, 7, 120)]
    assert repr(at_once) == repr(in_turn)


def test_a_span_shows_only_its_own_points():
    history = history_of([float(index) for index in range(1000)])
    xs, ys = decimate(history, "loss", 10, span=(200.0, 300.0))
    assert len(xs) == 21
    assert (min(ys), max(ys)) == (200.0, 300.0)
    assert xs[-1] == ys[-1] == 300.0
    assert decimate(history, "loss", 10, span=(2000.0, 3000.0)) == ([], [])
    assert decimate(history, "loss", 100, span=(5.5, 7.5)) == ([6, 7], [6.0, 7.0])


@pytest.mark.parametrize("columns", [2, 50])
def test_a_line_runs_on_to_the_points_beside_a_span(columns):
    values = [float(index) for index in range(100)]
    column = history_of(values).columns["loss"]

    def beside(low, high):
        return thin(values, column.rows, column.extremes, columns=columns, span=(low, high), beside=True)

    xs, ys = beside(20.0, 60.0)
    assert (xs[0], xs[-1]) == (ys[0], ys[-1]) == (19.0, 61.0)
    assert beside(40.2, 40.8) == ([40.0, 41.0], [40.0, 41.0]), "between two points their line is seen"
    assert beside(-5.0, 0.5) == ([0.0, 1.0], [0.0, 1.0])
    assert beside(98.5, 120.0) == ([98.0, 99.0], [98.0, 99.0])


def test_a_metric_that_was_never_logged_has_no_points():
    assert decimate(history_of([1.0]), "knn", 10) == ([], [])


def test_a_sparse_metric_stands_where_it_was_measured():
    history = history_of([float(index) for index in range(100)])
    sparse = history.columns.setdefault("knn", Column())
    for row in (0, 50, 99):
        sparse.rows.append(row)
        sparse.extremes.append(row / 100)
    assert decimate(history, "knn", 40, axis="time") == ([0.0, 25.0, 49.5], [0.0, 0.5, 0.99])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-100, 100) | st.just(NAN), max_size=40), st.floats(0, 0.99))
def test_smoothing_is_the_bias_corrected_average(values, weight):
    smoothed = smooth(values, weight)
    seen: list[float] = []
    for value, got in zip(values, smoothed, strict=True):
        if math.isnan(value):
            assert math.isnan(got)
            continue
        seen.append(value)
        weights = [weight ** (len(seen) - 1 - index) for index in range(len(seen))]
        expected = sum(w * v for w, v in zip(weights, seen, strict=True)) / sum(weights)
        assert got == pytest.approx(expected, abs=1e-6)


def test_no_smoothing_at_weight_zero():
    assert smooth([3.0, 1.0, 2.0], 0.0) == [3.0, 1.0, 2.0]
