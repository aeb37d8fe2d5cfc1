"""What a sweep's runs come to: means over seeds, the best trial, and how much each field matters."""

from __future__ import annotations

import dataclasses
import sqlite3

import msgspec
import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.store.run import Trial
from simclr_tui.store.store import Store
from simclr_tui.sweep.axes import grid, parse_axis
from simclr_tui.sweep.folder import Sweep
from simclr_tui.sweep.results import best_trial, importances, sweep_results
from tests.run_factory import make_run

AXES = (parse_axis("temp", "0.1,0.5,1.0"), parse_axis("bs", "64,128"))


def made(root, score, seeds=2, **state):
    """A sweep whose kNN is `score` of its values and seed."""
    sweep = Sweep(name="s", sampler="grid", trials=6, seeds=(0, 1), axes=AXES, listed=tuple(grid(AXES)))
    for number, values in enumerate(sweep.listed):
        for seed in range(seeds):
            knn = score(values, seed)
            run = make_run(root, flags=values | {"seed": seed, "data": "shapes"}, summary={"knn": knn}, **state)
            run.write_info(msgspec.structs.replace(run.info, trial=Trial(sweep="s", number=number)))
    make_run(root, flags={"data": "shapes"}, summary={"knn": 0.99})  # not of the sweep
    return sweep, Catalog(Store(root)).rows()


def test_seeds_of_a_trial_are_averaged_and_the_best_is_found(tmp_path):
    sweep, rows = made(tmp_path, lambda values, seed: values["temp"] / 2 + seed / 10)
    results = sweep_results(sweep, rows)
    assert [result.number for result in results] == list(range(6))
    assert results[0].values == {"temp": 0.1, "bs": 64}
    assert results[0].mean == pytest.approx(0.1)
    assert results[0].std == pytest.approx(0.1 / 2**0.5)
    assert best_trial(results).values["temp"] == 1.0
    assert results[0].states == {"finished": 2}


def test_the_field_that_matters_explains_the_variance(tmp_path):
    sweep, rows = made(tmp_path, lambda values, seed: values["temp"] / 2)
    shares = importances(sweep, sweep_results(sweep, rows))
    assert shares["temp"] == pytest.approx(1.0)
    assert shares["bs"] == pytest.approx(0.0, abs=1e-9)


def test_a_field_of_a_range_is_judged_in_bins(tmp_path):
    sweep, rows = made(tmp_path, lambda values, seed: values["temp"] / 2)
    results = sweep_results(sweep, rows)
    spread = [dataclasses.replace(one, values={"temp": 0.1 + n / 100, "bs": 64}) for n, one in enumerate(results)]
    shares = importances(sweep, spread)
    assert 0.8 < shares["temp"] <= 1.0
    assert shares["bs"] is None


def test_trials_without_a_score_say_nothing(tmp_path):
    sweep, rows = made(tmp_path, lambda values, seed: 0.5, state="failed")
    results = sweep_results(sweep, rows)
    assert best_trial(results) is None
    assert importances(sweep, results) == {"temp": None, "bs": None}


def test_the_catalog_can_be_asked_for_trials(tmp_path):
    made(tmp_path, lambda values, seed: 0.5)
    query = "select trial, count(*) from runs where sweep = 's' group by trial"
    asked = sqlite3.connect(tmp_path / "catalog.db").execute(query)
    assert asked.fetchall() == [(number, 2) for number in range(6)]
