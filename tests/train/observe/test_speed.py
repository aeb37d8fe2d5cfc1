from __future__ import annotations

import pytest

from simclr_tui.train.observe.speed import Speed


def test_bursts_of_a_host_ahead_of_its_gpu_average_out():
    speed = Speed()
    shown = [speed.steps_per_s(seconds) for _ in range(40) for seconds in (0.086, *[0.002] * 7)]
    assert all(value == pytest.approx(80.0, rel=0.1) for value in shown[80:])


def test_slow_steps_average_over_ten():
    speed = Speed()
    for seconds in [3.0] * 20 + [2.0] * 9:
        speed.steps_per_s(seconds)
    assert speed.steps_per_s(2.0) == pytest.approx(0.5)


def test_steps_that_prepare_do_not_count():
    speed = Speed()
    assert speed.steps_per_s(40.0, prepares=True) == pytest.approx(1 / 40.0)
    assert speed.steps_per_s(0.01) == pytest.approx(100.0)
    assert speed.steps_per_s(3.0, prepares=True) == pytest.approx(100.0)
    assert speed.steps_per_s(0.01) == pytest.approx(100.0)
