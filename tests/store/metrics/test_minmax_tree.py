"""Minimum and maximum of any range, against looking at every value."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from simclr_tui.store.metrics import minmax_tree
from simclr_tui.store.metrics.minmax_tree import Extremes

VALUES = st.floats(allow_nan=True, allow_infinity=True) | st.just(math.nan)


def brute(values: list[float]) -> tuple[float, float] | None:
    known = [value for value in values if not math.isnan(value)]
    return (min(known), max(known)) if known else None


def asked(extremes: Extremes, start: int, stop: int) -> tuple[float, float] | None:
    low, high = extremes.range(start, stop)
    assert math.isnan(low) == math.isnan(high)
    return None if math.isnan(low) else (low, high)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_range_of_a_long_column(data):
    seed = data.draw(st.integers(0, 2**32))
    count = data.draw(st.integers(0, 9000))
    values = [math.nan if (i * seed) % 7 == 3 else math.sin(i * seed) for i in range(count)]
    extremes = Extremes()
    for value in values:
        extremes.append(value)
    for _ in range(10):
        start, stop = data.draw(st.integers(0, count)), data.draw(st.integers(0, count + 20))
        assert asked(extremes, start, stop) == brute(values[start:stop])


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_many_ranges_at_once(data):
    seed, count = data.draw(st.integers(0, 2**32)), data.draw(st.integers(1, 9000))
    values = [math.nan if (i * seed) % 7 == 3 else math.sin(i * seed) for i in range(count)]
    edges = sorted(data.draw(st.lists(st.integers(0, count), min_size=2, max_size=30)))
    extremes = Extremes()
    extremes.extend(np.array(values))
    few, at_once = minmax_tree.MANY, minmax_tree.AT_ONCE
    try:
        minmax_tree.MANY, minmax_tree.AT_ONCE = 0, data.draw(st.sampled_from([0, 10, 500, at_once]))
        found = extremes.ranges(edges)
    finally:
        minmax_tree.MANY, minmax_tree.AT_ONCE = few, at_once
    expected = [brute(values[start:stop]) for start, stop in itertools.pairwise(edges)]
    assert [None if math.isnan(low) or math.isnan(high) else (low, high) for low, high in found] == expected


class Growing(RuleBasedStateMachine):
    """Appends and truncations in any order; every range agrees with a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.extremes, self.model = Extremes(), []

    @rule(values=st.lists(VALUES, max_size=40), times=st.integers(1, 12))
    def append(self, values, times):
        for value in values * times:
            self.extremes.append(value)
            self.model.append(value)

    @rule(values=st.lists(VALUES, max_size=40), times=st.integers(1, 30))
    def extend(self, values, times):
        self.extremes.extend(np.array(values * times, dtype=np.float64))
        self.model += values * times

    @rule(share=st.floats(0, 1))
    def truncate(self, share):
        count = int(share * len(self.model))
        self.extremes.truncate(count)
        del self.model[count:]

    @rule(first=st.floats(0, 1), last=st.floats(0, 1))
    def ask(self, first, last):
        start, stop = int(first * len(self.model)), int(last * len(self.model))
        assert asked(self.extremes, start, stop) == brute(self.model[start:stop])

    @invariant()
    def whole(self):
        assert len(self.extremes.values) == len(self.model)
        assert asked(self.extremes, 0, len(self.model)) == brute(self.model)


Growing.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestGrowing = Growing.TestCase
