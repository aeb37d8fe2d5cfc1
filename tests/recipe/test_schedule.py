from __future__ import annotations

import math

import numpy as np
import pytest

from simclr_tui.recipe.schedule import learning_rate, view_side


@pytest.mark.parametrize(("steps", "warmup"), [(100, 10), (97, 0), (13, 12), (50, 1)])
def test_every_step_follows_the_formula(steps, warmup):
    for step in range(steps):
        if step < warmup:
            expected = 0.6 * step / warmup
        else:
            expected = 0.6 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2
        assert learning_rate(step, steps, warmup, 0.6) == pytest.approx(expected, abs=1e-15)


def test_the_ends_are_exact():
    assert learning_rate(0, 100, 10, 1.2) == 0.0
    assert learning_rate(10, 100, 10, 1.2) == 1.2
    assert learning_rate(0, 100, 0, 1.2) == 1.2
    assert learning_rate(100, 100, 10, 1.2) == 0.0
    assert learning_rate(1000, 100, 10, 1.2) == 0.0


def test_it_rises_to_its_peak_once_and_falls_without_a_restart():
    rates = np.array([learning_rate(step, 200, 20, 1.0) for step in range(201)])
    assert (np.diff(rates[:21]) > 0).all()
    assert (np.diff(rates[20:]) < 0).all()
    assert np.abs(np.diff(rates)).max() <= 1 / 20 + 1e-12


def test_a_run_that_is_all_warm_up_ends_at_zero_and_never_divides_by_it():
    assert [learning_rate(step, 4, 4, 1.0) for step in range(5)] == [0.0, 0.25, 0.5, 0.75, 0.0]


def test_views_grow_to_their_full_side_and_stay_there():
    sides = [view_side(step, 1000, 16, 32) for step in range(1000)]
    assert sides[0] == 16
    assert set(sides) == {16, 20, 24, 28, 32}
    assert sides == sorted(sides)
    assert sides.index(32) == 800


@pytest.mark.parametrize(("first", "last"), [(0, 32), (32, 32)])
def test_views_that_do_not_grow_have_their_full_side_from_the_first_step(first, last):
    assert {view_side(step, 100, first, last) for step in range(100)} == {last}


@pytest.mark.parametrize(("first", "last"), [(10, 22), (8, 9), (30, 31)])
def test_sides_that_are_no_multiples_are_met_at_both_ends(first, last):
    sides = [view_side(step, 50, first, last) for step in range(51)]
    assert (sides[0], sides[-1]) == (first, last)
    assert all(first <= side <= last for side in sides)
