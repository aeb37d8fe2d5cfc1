"""The mean over seeds along the steps: one value per step that all have, from every run, whatever else they logged."""

from __future__ import annotations

import random
from statistics import mean, stdev

import pytest

from simclr_tui.catalog.bands import band, has_mean, spaced_rows
from simclr_tui.catalog.student import t_quantile
from tests.run_factory import make_run, metric_line, write_metrics


def history(root, name, values, metric="loss", **others):
    """A history with `values` by step, and other metrics at other steps between them."""
    run = make_run(root, name)
    lines = [metric_line(step, **{metric: value}) for step, value in values.items()]
    lines += [metric_line(step, knn=value) for step, value in others.items()]
    write_metrics(run.paths, 1, lines)
    return run.history()


def rows(found, metric="loss"):
    return found.columns[metric].rows


def test_mean_deviation_and_interval_are_those_of_the_values_at_each_step(tmp_path):
    chance = random.Random(0)
    logged = [{step: chance.gauss(5 - step / 100, 0.3) for step in range(50)} for _ in range(4)]
    histories = [history(tmp_path, f"r{seed}", values) for seed, values in enumerate(logged)]
    found = band(histories, "loss", rows(histories[0]))
    assert [histories[0].step[row] for row in found.rows] == list(range(50))
    for step, spread in enumerate(found.spreads):
        values = [run[step] for run in logged]
        assert (spread.mean, spread.std) == (pytest.approx(mean(values)), pytest.approx(stdev(values)))
        assert spread.half == pytest.approx(t_quantile(3) * stdev(values) / 2)


def test_only_steps_that_all_have_logged_have_a_mean(tmp_path):
    first = history(tmp_path, "a", dict.fromkeys(range(0, 60, 2), 1.0))
    second = history(tmp_path, "b", dict.fromkeys(range(0, 60, 3), 3.0))
    found = band([first, second], "loss", rows(first))
    assert [first.step[row] for row in found.rows] == list(range(0, 60, 6))
    assert {spread.mean for spread in found.spreads} == {2.0}


def test_a_step_at_which_one_run_is_not_finite_has_no_mean(tmp_path):
    first = history(tmp_path, "a", {0: 1.0, 1: None, 2: 1.0})
    second = history(tmp_path, "b", {0: 3.0, 1: 3.0, 2: 5.0})
    found = band([first, second], "loss", rows(first))
    assert [spread.mean for spread in found.spreads] == [2.0, 3.0]


def test_a_metric_that_one_run_lacks_has_none(tmp_path):
    first, second = history(tmp_path, "a", {0: 1.0}), history(tmp_path, "b", {0: 1.0}, metric="knn")
    assert band([first, second], "loss", rows(first)).spreads == ()


def test_long_runs_are_averaged_at_spaced_steps_of_which_the_last_is_one(tmp_path):
    histories = [history(tmp_path, f"r{seed}", {s: float((s + seed) % 2) for s in range(5000)}) for seed in (0, 1)]
    found = band(histories, "loss", spaced_rows(rows(histories[0]), 300))
    assert {spread.mean for spread in found.spreads} == {0.5}
    assert 250 <= len(found.rows) <= 301
    assert histories[0].step[found.rows[-1]] == 4999
    assert spaced_rows([], 10) == []
    assert spaced_rows([1, 2, 3], 10) == [1, 2, 3]


def test_speed_and_memory_have_no_mean_over_seeds():
    assert [has_mean(name) for name in ("loss", "knn", "their/own", "images_per_s", "gpu_allocated")] == [
        True, True, True, False, False,
    ]  # fmt: skip
