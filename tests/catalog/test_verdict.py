"""Differences and their intervals, against numpy and published quantiles."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simclr_tui.catalog.student import t_quantile
from simclr_tui.catalog.verdict import Sample, difference, judge, standard_error

# Two-sided 95%, from the printed tables.
PRINTED = {1: 12.7062, 2: 4.30265, 3: 3.18245, 4: 2.77645, 5: 2.57058, 10: 2.22814, 30: 2.04227, 120: 1.97993}


@pytest.mark.parametrize("freedom", PRINTED)
def test_quantiles_are_those_of_the_printed_tables(freedom):
    assert t_quantile(freedom) == pytest.approx(PRINTED[freedom], abs=2e-5)


def test_quantiles_of_other_coverages_and_of_fractions():
    assert t_quantile(5, 0.99) == pytest.approx(4.03214, abs=1e-5)
    assert t_quantile(1, 0.5) == pytest.approx(1.0), "Cauchy's quartile"
    assert t_quantile(1e7) == pytest.approx(1.959964, abs=1e-5), "the normal one"
    assert t_quantile(3) < t_quantile(2.5) < t_quantile(2)


def test_a_quantile_leaves_five_percent_outside_by_the_density_itself():
    for freedom in (2.5, 7.0):
        t = np.linspace(-t_quantile(freedom), t_quantile(freedom), 200_001)
        log = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(freedom * math.pi)
        density = np.exp(log - (freedom + 1) / 2 * np.log1p(t * t / freedom))
        assert np.trapezoid(density, t) == pytest.approx(0.95, abs=1e-7)


def sample(name, *values, seeds=None, images=0):
    return Sample(name, values, tuple(range(len(values))) if seeds is None else seeds, images)


def test_welch_s_interval_is_the_formula_s():
    one, two = np.array([0.80, 0.82, 0.81, 0.79]), np.array([0.70, 0.78, 0.74])
    found = difference(sample("a", *one), sample("b", *two, seeds=(7, 8, 9)))
    a, b = one.var(ddof=1) / 4, two.var(ddof=1) / 3
    freedom = (a + b) ** 2 / (a**2 / 3 + b**2 / 2)
    assert found.mean == pytest.approx(one.mean() - two.mean())
    assert found.half == pytest.approx(t_quantile(freedom) * math.sqrt(a + b))
    assert "4 and 3 seeds" in found.by


def test_the_same_seeds_are_paired_whatever_their_order():
    one, two = (0.5, 0.6, 0.7), (0.71, 0.62, 0.51)
    found = difference(sample("a", *one, seeds=(1, 2, 3)), sample("b", *two, seeds=(3, 2, 1)))
    differences = np.array([-0.01, -0.02, -0.01])
    assert found.mean == pytest.approx(differences.mean())
    assert found.half == pytest.approx(4.302653 * differences.std(ddof=1) / math.sqrt(3), rel=1e-5)
    assert found.told_apart is bool(abs(found.mean) > found.half)


def test_one_run_is_set_against_where_another_seed_would_lie():
    found = difference(sample("a", 0.5, 0.6), sample("b", 0.9))
    assert found.half == pytest.approx(12.706205 * np.std([0.5, 0.6], ddof=1) * math.sqrt(1.5), rel=1e-5)
    assert not found.told_apart


def test_single_runs_are_judged_by_two_standard_errors_of_their_difference():
    error = standard_error(0.5, 10_000)
    assert error == pytest.approx(0.005, rel=1e-3)
    assert standard_error(1.0, 100) > 0.01, "all right on a hundred images is not certainty"
    found = difference(sample("a", 0.5, images=10_000), sample("b", 0.5, images=10_000))
    assert found.half == pytest.approx(2 * math.sqrt(2) * error)
    assert difference(sample("a", 5.0), sample("b", 4.0)).half is None


def test_a_verdict_names_a_winner_or_says_why_there_is_none():
    a, b, c = sample("a", 0.9, images=1000), sample("b", 0.5, images=1000), sample("c", 0.51, images=1000)
    assert judge("kNN", [b, a, None], "highest", share=True).winner == 1
    assert "a is better than b by 40.0 points" in judge("kNN", [b, a], "highest", share=True).words
    seeds = sample("a1 and a2", 0.9, 0.91)
    assert "a1 and a2 are better than b by 40.5 points" in judge("kNN", [b, seeds], "highest", share=True).words
    close = judge("kNN", [b, c], "highest", share=True)
    assert (close.winner, "b" in close.words, "cannot be told apart" in close.words) == (None, True, True)
    assert judge("loss", [sample("x", 5.0), sample("y", 4.0)], "lowest").winner == 1
    assert judge("loss", [sample("x", 5.0), sample("y", 4.0)], "").winner is None
    assert judge("loss", [sample("x", 5.0), None], "lowest").words == ""
    assert "equal" in judge("loss", [sample("x", 5.0), sample("y", 5.0)], "lowest").words
    other = judge("loss", [sample("x", 5.0), sample("y", 4.0)], "lowest", differently=("temp", "bs"))
    assert (other.winner, "temp and bs" in other.words) == (None, True)
