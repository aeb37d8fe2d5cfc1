from __future__ import annotations

import math

import numpy as np
import pytest

from simclr_tui.train.schedule import learning_rate


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
