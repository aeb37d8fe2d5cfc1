"""Sweeps with real runs: to the table, stopped and resumed in the middle, extended; and a sampler that learns."""

from __future__ import annotations

import json
import math
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from simclr_tui import atomic
from simclr_tui.errors import RecipeError, StoreError
from simclr_tui.launch.queue.queue import pause, unpause, waiting_runs
from simclr_tui.launch.stop import wait_until_ended
from simclr_tui.store.store import Store
from simclr_tui.sweep.axes import draw, parse_axis
from simclr_tui.sweep.control import extend_sweep, go_on, make_sweep, stop_sweep, sweep_rows
from simclr_tui.sweep.folder import Sweep, SweepFolder
from simclr_tui.sweep.optuna_study import Study
from simclr_tui.sweep.results import best_trial, sweep_results
from tests.launch.ended import end_queue
from tests.training import tiny_plan, until

GRID = (parse_axis("temp", "0.1,0.5,1.0"), parse_axis("bs", "16,32"))
BASE = {"epochs": 2, "knn_every": 2}


@pytest.fixture
def store(tmp_path):
    """A store whose runs are ended with the test."""
    store = Store(tmp_path / "runs")
    unpause(store, slots=2)
    yield store
    end_queue(store)


def sweep_of(**changes):
    return Sweep(**{"name": "", "sampler": "grid", "trials": 0, "seeds": (0,), "axes": GRID} | changes)


def states(store, name):
    """Of the sweep's runs, which are all that the store has; cheaper than its catalog."""
    return [store.run(run).state for run in store.names()]


def test_a_sweep_that_could_not_be_written_leaves_its_name_free(store):
    """In the process that failed, too: a dashboard goes on."""
    pause(store)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))  # as on a disk that is full
    try:
        with pytest.raises(StoreError, match=r"cannot write .*taus"):
            make_sweep(store, tiny_plan(**BASE).resolved, sweep_of(), name="taus")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (store.root / ".sweeps" / "taus").exists()
    assert atomic._held == set()
    assert make_sweep(store, tiny_plan(**BASE).resolved, sweep_of(), name="taus").name == "taus"


@pytest.mark.timeout(900)
def test_a_sweep_of_twelve_is_stopped_and_resumed_in_the_middle_and_comes_to_its_table(store):
    made = make_sweep(store, tiny_plan(**BASE).resolved, sweep_of(seeds=(0, 1)))
    folder = SweepFolder(store, made.name)
    assert (made.name, made.trials, len(states(store, made.name))) == ("sweep1", 6, 12)
    assert all("sweep:sweep1" in store.run(name).info.tags for name in store.names())
    until(lambda: "finished" in states(store, made.name), what="the first trial")
    for run in stop_sweep(store, folder):
        assert wait_until_ended(run, 60) is not None
    stopped = states(store, made.name)
    assert set(stopped) <= {"finished", "stopped"}
    assert stopped.count("stopped") >= 6
    assert waiting_runs(store) == {}
    assert go_on(store, folder) == stopped.count("stopped")
    until(lambda: states(store, made.name) == ["finished"] * 12, timeout=600, what="all twelve to finish")
    results = sweep_results(made, sweep_rows(store, made.name))
    assert [sum(result.states.values()) for result in results] == [2] * 6
    assert [len(result.scores) for result in results] == [result.states["finished"] for result in results]
    assert best_trial(results) is not None
    assert go_on(store, folder) == 0


def test_a_grid_is_extended_by_values_and_seeds_and_keeps_its_numbers(store):
    pause(store)
    made = make_sweep(store, tiny_plan(**BASE).resolved, sweep_of(), name="mine")
    folder = SweepFolder(store, "mine")
    before = {row["name"]: (row["trial"], row["temp"], row["bs"]) for row in sweep_rows(store, "mine")}
    assert extend_sweep(store, folder, axes=[parse_axis("temp", "0.1,2.0")]) == 2
    assert extend_sweep(store, folder, seeds=[1]) == 8
    rows = sweep_rows(store, "mine")
    assert before.items() <= {row["name"]: (row["trial"], row["temp"], row["bs"]) for row in rows}.items()
    assert sorted({row["trial"] for row in rows}) == list(range(8))
    assert made.listed == folder.read().listed[:6]
    with pytest.raises(RecipeError, match="is a grid sweep"):
        extend_sweep(store, folder, trials=3)


def test_random_trials_are_extended_by_the_ones_that_follow(store):
    pause(store)
    axes = (parse_axis("temp", "0.1:1.0:log"), parse_axis("bs", "16,32"))
    base = tiny_plan(**BASE).resolved
    make_sweep(store, base, sweep_of(sampler="random", axes=axes, trials=3))
    assert extend_sweep(store, SweepFolder(store, "sweep1"), trials=2) == 2
    found = [(row["temp"], row["bs"]) for row in sweep_rows(store, "sweep1")]
    assert found == [tuple(draw(axes, 0, number).values()) for number in range(5)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"axes": ()}, "needs a field to vary"),
        ({"sampler": "random"}, "needs --trials"),
        ({"sampler": "tpe", "trials": 3, "prune": "median", "seeds": (0, 1)}, "judges single runs"),
        ({"prune": "median"}, "judges single runs"),
        ({"axes": (parse_axis("bs", "16,4096"),)}, "a batch of 4096 does not fit"),
    ],
)
def test_a_sweep_that_cannot_be_leaves_nothing_behind(store, changes, said):
    with pytest.raises(Exception, match=said):
        make_sweep(store, tiny_plan(**BASE).resolved, sweep_of(**changes))
    assert store.names() == []
    assert not (store.root / ".sweeps").exists()


def test_images_that_fit_every_trials_batch_need_not_fit_the_presets(store):
    pause(store)
    asked = ["sweep", "--runs", store.root, "--data", "shapes", "--subset", "64"]
    words = [sys.executable, "-m", "simclr_tui.cli.main", *asked]
    made = subprocess.run([*words, "--bs", "16,32"], capture_output=True, text=True)
    assert (made.returncode, made.stdout) == (0, "sweep1\n"), made.stderr
    refused = subprocess.run([*words, "--bs", "16,128"], capture_output=True, text=True)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "a batch of 128 does not fit" in refused.stderr


@pytest.mark.timeout(900)
def test_a_sampler_that_learns_asks_runs_and_tells_until_it_has_all_its_trials(store):
    pytest.importorskip("optuna")
    axes = (parse_axis("temp", "0.1:1.0:log"),)
    make_sweep(store, tiny_plan(**BASE).resolved, sweep_of(sampler="tpe", axes=axes, trials=3, parallel=2))
    folder = SweepFolder(store, "sweep1")
    until(lambda: states(store, "sweep1").count("finished") == 3, timeout=600, what="three trials")
    until(lambda: not Study(folder.journal, folder.read()).open(), what="the sampler to tell of the last")
    rows = sweep_rows(store, "sweep1")
    assert [row["trial"] for row in rows] == [0, 1, 2]
    trials = Study(folder.journal, folder.read())._study.get_trials()
    assert [trial.value for trial in trials] == [row["knn"] for row in rows]
    assert [trial.params["temp"] for trial in trials] == [row["temp"] for row in rows]
    assert [f"{row['temp']:.4g}" for row in rows] == [str(row["temp"]) for row in rows]


SURFACE = json.loads(Path(__file__).with_name("surface.json").read_text())
SURFACE_AXES = (parse_axis("temp", "0.05:3:log"), parse_axis("lr", "0.003:1:log"))
TRIALS = 20


def surface(temp, lr):
    """kNN of a narrow net after a short training, recorded on a grid of τ and learning rate; bilinear between."""
    row, down = _between(SURFACE["temp"], temp)
    column, right = _between(SURFACE["lr"], lr)
    upper, lower = SURFACE["knn"][row], SURFACE["knn"][row + 1]
    along = [(1 - right) * line[column] + right * line[column + 1] for line in (upper, lower)]
    return (1 - down) * along[0] + down * along[1]


def _between(points, value):
    index = next(i for i in range(len(points) - 1) if value <= points[i + 1])
    low, high = math.log(points[index]), math.log(points[index + 1])
    return index, (math.log(value) - low) / (high - low)


@pytest.mark.parametrize("prune", ["none", "hyperband"])
def test_tpe_beats_random_at_equal_trials_on_a_recorded_surface(tmp_path, prune):
    pytest.importorskip("optuna")
    learned, drawn = [], []
    for seed in range(6):
        sweep = Sweep(name="s", sampler="tpe", trials=TRIALS, seeds=(0,), axes=SURFACE_AXES, seed=seed, prune=prune)
        kept, _, _ = tried(Study(tmp_path / f"{seed}.log", sweep), TRIALS)
        learned.append(max(kept))
        drawn.append(max(surface(**draw(SURFACE_AXES, seed, number)) for number in range(TRIALS)))
    wins = sum(mine > theirs for mine, theirs in zip(learned, drawn, strict=True))
    print(f"best kNN after {TRIALS} trials: tpe {statistics.fmean(learned):.4f}, random {statistics.fmean(drawn):.4f}")
    assert wins >= 5
    assert statistics.fmean(learned) > statistics.fmean(drawn) + 0.005


def tried(study, trials):
    """Trials of nine measurements that rise to their score: the scores of those kept and of those given up, and how
    many measurements it took."""
    measured, kept, given_up = 0, [], []
    for _ in range(trials):
        number, values = study.ask()
        score = surface(**values)
        for count in range(1, 10):
            measured += 1
            if study.report(number, count, score * (1 - 0.5**count)):
                study.prune(number)
                given_up.append(score)
                break
        else:
            study.tell(number, score)
            kept.append(score)
    return kept, given_up, measured


def test_values_are_short_where_they_are_drawn_and_stay_within_their_bounds(tmp_path):
    """At random and once it has learned, side by side too; the study remembers what the recipe is given."""
    pytest.importorskip("optuna")
    axes = (parse_axis("temp", "0.123456:0.123467:log"), parse_axis("lr", "0.003:1:log"), parse_axis("bs", "16:64"))
    study = Study(tmp_path / "journal", Sweep(name="s", sampler="tpe", trials=12, seeds=(0,), axes=axes, parallel=4))
    for _ in range(12):
        number, values = study.ask()
        assert 0.123456 <= values["temp"] <= 0.123467
        assert float(f"{values['lr']:.4g}") == values["lr"]
        assert isinstance(values["bs"], int)
        assert Study(tmp_path / "journal", Sweep(name="s", sampler="tpe", trials=12, seeds=(0,))).open() == {
            number: values
        }
        study.tell(number, values["lr"])


def test_pruning_gives_up_what_lags_and_an_interrupted_study_goes_on(tmp_path):
    pytest.importorskip("optuna")
    sweep = Sweep(name="s", sampler="tpe", trials=9, seeds=(0,), axes=SURFACE_AXES, prune="median")
    study = Study(tmp_path / "journal", sweep)
    for _ in range(6):
        number, _ = study.ask()
        assert not any(study.report(number, count, 0.5) for count in (1, 2))
        study.tell(number, 0.5)
    number, values = study.ask()
    again = Study(tmp_path / "journal", sweep)  # its process was killed, and another goes on
    assert again.open() == {number: values}
    assert again.report(number, 1, 0.1)
    again.prune(number)
    assert (again.open(), again.asked()) == ({}, 7)


def test_hyperband_spends_less_and_keeps_what_is_good(tmp_path):
    pytest.importorskip("optuna")
    sweep = Sweep(name="s", sampler="tpe", trials=27, seeds=(0,), axes=SURFACE_AXES, prune="hyperband")
    study = Study(tmp_path / "journal", sweep)
    kept, given_up, measured = tried(study, sweep.trials)
    assert study.open() == {}
    assert len(given_up) >= 5
    assert measured < 0.8 * 9 * sweep.trials
    assert statistics.fmean(kept) > statistics.fmean(given_up)
    assert max(kept) > max(given_up)
