"""What a sweep's runs come to: means over seeds, the best trial, and how much each field matters."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections import Counter

import msgspec
import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.errors import ExitCode
from simclr_tui.store.run import Trial
from simclr_tui.store.store import Store
from simclr_tui.sweep.axes import grid, parse_axis
from simclr_tui.sweep.control import seeds_of_trials
from simclr_tui.sweep.folder import Sweep
from simclr_tui.sweep.optuna_study import Study
from simclr_tui.sweep.results import (
    WORST,
    TrialResult,
    best_trial,
    importances,
    sweep_results,
    sweep_verdict,
    trial_score,
)
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


def test_trials_of_a_big_sweep_are_not_compared_with_each_other(tmp_path, monkeypatch):
    sweep, rows = made(tmp_path, lambda values, seed: 0.5, seeds=1)
    varied, asked = type(sweep).varied.fget, []
    monkeypatch.setattr(Sweep, "varied", property(lambda self: asked.append(self) or varied(self)))
    assert [one.values for one in sweep_results(sweep, rows)] == list(sweep.listed)
    assert len(asked) == 1  # it reads every trial

    reads = Counter()

    class Counted(dict):
        def __getitem__(self, name):
            reads[name] += 1
            return super().__getitem__(name)

    there = seeds_of_trials([Counted(trial=number % 300, seed=number // 300) for number in range(900)])
    assert there == {number: {0, 1, 2} for number in range(300)}
    assert reads == {"trial": 900, "seed": 900}


def test_a_sweep_varies_what_its_axes_and_its_listed_trials_vary():
    listed = ({"temp": 0.1, "bs": 64}, {"lr": 1.0}, {"bs": 128, "temp": 0.5})
    sweep = Sweep(name="s", sampler="grid", trials=3, seeds=(0,), axes=(parse_axis("seed", "1,2"),), listed=listed)
    assert sweep.varied == ["seed", "temp", "bs", "lr"]


def test_the_catalog_can_be_asked_for_trials(tmp_path):
    made(tmp_path, lambda values, seed: 0.5)
    query = "select trial, count(*) from runs where sweep = 's' group by trial"
    asked = sqlite3.connect(tmp_path / "catalog.db").execute(query)
    assert asked.fetchall() == [(number, 2) for number in range(6)]


def result(number, *scores, seeds=None, images=0, **measured):
    seeds = tuple(range(len(scores))) if seeds is None else seeds
    return TrialResult(
        number, {"temp": number}, ("run1",), Counter(), scores, None, seeds, images, tuple(measured for _ in scores)
    )


def test_the_best_trial_is_told_apart_or_a_sentence_says_that_it_is_not():
    clear = sweep_verdict([result(0, 0.5, 0.51), result(1, 0.8, 0.81)])
    assert (clear.winner, "trial 1 is better than trial 0" in clear.words) == (1, True)
    close = sweep_verdict([result(0, 0.79, 0.85), result(1, 0.86, 0.8)])
    assert (close.winner, "cannot be told apart" in close.words) == (None, True)
    alone = [result(0, 0.50, images=100), result(1, 0.52, images=100)]
    assert (sweep_verdict(alone).winner, best_trial(alone).number) == (None, 1)


def test_trials_on_other_data_have_no_best():
    results = [result(0, 0.5, data="shapes", subset=0, knn_k=5), result(1, 0.9, data="cifar10", subset=0, knn_k=5)]
    assert best_trial(results) is None
    assert "differ in data" in sweep_verdict(results).words


def test_trials_on_held_out_images_that_changed_have_no_best_and_one_across_the_change_has_no_mean(tmp_path):
    sweep, rows = made(tmp_path, lambda values, seed: values["temp"] / 2)
    ended = [row for row in rows if row["sweep"]]
    for changed_at in (0, 1, 6, 12):  # of twelve runs, two a trial; at 0 and 12 none differs
        now = [row | {"validation_digest": "new" if at >= changed_at else "old"} for at, row in enumerate(ended)]
        results = sweep_results(sweep, now)
        same = changed_at in (0, 12)
        assert (best_trial(results) is not None, "held-out images" in sweep_verdict(results).words) == (same, not same)
        whole = [one.number for one in results if one.mean is not None]
        assert len(whole) == (5 if changed_at % 2 else 6)
    unknown = [row | {"validation_digest": None if at else "new"} for at, row in enumerate(ended)]
    assert best_trial(sweep_results(sweep, unknown)) is not None


def test_a_collapsed_run_is_no_score_of_its_trial(tmp_path):
    sweep, rows = made(tmp_path, lambda values, seed: 0.5)
    rows = [row | {"flags": "collapsed", "knn": 0.9} if row["seed"] == 1 else row for row in rows]
    assert all(one.scores == (0.5,) for one in sweep_results(sweep, rows))


def row(state, knn=None, exit_code=0, flags=""):
    return {"state": state, "knn": knn, "exit_code": exit_code, "flags": flags}


@pytest.mark.parametrize(
    ("rows", "score"),
    [
        ([row("finished", 0.5), row("finished", 0.7)], 0.6),
        ([row("failed", 0.1, ExitCode.DIVERGED, "diverged")], WORST),
        ([row("finished", 0.5), row("failed", None, ExitCode.OUT_OF_MEMORY)], WORST),
        ([row("finished", 0.5), row("lost")], None), ([row("stopped", 0.4, ExitCode.STOPPED)], None),
        ([row("failed", 0.4, ExitCode.STORE)], None), ([row("finished", None)], None),
    ],
)  # fmt: skip
def test_a_sampler_learns_of_failures_that_would_come_again_and_of_no_others(rows, score):
    assert trial_score(rows) == (None if score is None else pytest.approx(score))


@pytest.mark.parametrize(
    ("of_trial", "before", "score"),
    [
        (["new", "new"], ["new"], 0.5), (["new", "new"], ["old"], None), (["old", "new"], [], None),
        (["new", None], [], 0.5), (["new", "new"], [None], 0.5),
    ],
)  # fmt: skip
def test_a_sampler_learns_no_accuracy_on_other_held_out_images_than_those_before(of_trial, before, score):
    def on(digest, **more):
        return row("finished", 0.5) | {"data": "shapes", "knn_on": "validation", "validation_digest": digest} | more

    rows, earlier = [on(digest) for digest in of_trial], [on(digest) for digest in before]
    assert trial_score(rows, earlier) == score
    failed = on("another", state="failed", exit_code=ExitCode.DIVERGED)  # which has no accuracy to learn from
    assert trial_score(rows, [*earlier, failed]) == score
    assert trial_score([failed], earlier) == WORST


def test_a_sampler_that_is_started_again_goes_on_and_never_repeats(tmp_path):
    pytest.importorskip("optuna")
    axes = (parse_axis("temp", "0.05:1.0:log"), parse_axis("lr", "0.001:10:log"))
    sweep = Sweep(name="s", sampler="tpe", trials=30, seeds=(0,), axes=axes, seed=3)
    asked: list[tuple] = []
    for _ in range(3):
        study = Study(tmp_path / "journal", sweep)
        for _ in range(4):
            number, values = study.ask()
            asked.append(tuple(values.values()))
            study.tell(number, 1 / (1 + values["temp"]))
    assert len(set(asked)) == len(asked) == 12


def test_a_sampler_learns_where_trials_diverge(tmp_path):
    """Beyond a rate of 1 all is lost; told so, of the last ten proposals few are beyond it."""
    pytest.importorskip("optuna")
    axes = (parse_axis("lr", "0.001:1000:log"),)
    study = Study(tmp_path / "journal", Sweep(name="s", sampler="tpe", trials=40, seeds=(0,), axes=axes, seed=1))
    rates: list[float] = []
    for _ in range(30):
        number, values = study.ask()
        rates.append(values["lr"])
        ended = row("failed", None, ExitCode.DIVERGED, "diverged") if values["lr"] > 1 else row("finished", 0.5)
        study.tell(number, trial_score([ended]))
    assert sum(rate > 1 for rate in rates[-10:]) <= 3, rates
