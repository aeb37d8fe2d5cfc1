"""The dashboard shows a sweep: trials by value, the best one, a heat map; from a trial one goes to its run."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.store.run import Trial
from simclr_tui.store.store import Store
from simclr_tui.sweep.axes import grid, parse_axis
from simclr_tui.sweep.folder import Sweep, SweepFolder
from simclr_tui.sweep.results import TrialResult, best_trial, sweep_results
from simclr_tui.sweep.words import values_words
from simclr_tui.text import percent
from simclr_tui.tui.sweep_screen import SweepScreen
from simclr_tui.tui.sweep_text import sweep_text
from tests.tui.driving import dashboard, notices, press, screen_lines, screen_text, until
from tests.tui.runs_fabric import CREATED, fabricate

AXES = (parse_axis("temp", "0.1,0.5,1.0"), parse_axis("bs", "32,64"))
SWEEP = Sweep(name="tries", sampler="grid", trials=6, seeds=(0,), axes=AXES, listed=tuple(grid(AXES)), title="τ and N")


@pytest.fixture
def store(tmp_path):
    """A sweep of six trials, the last of which failed, beside two other runs."""
    root = tmp_path / "runs"
    for number, values in enumerate(SWEEP.listed):
        state = "failed" if number == 5 else "finished"
        run = fabricate(root, f"trial{number}", state, 40, created=CREATED + number, **values)
        run.write_info(msgspec.structs.replace(run.info, trial=Trial(sweep="tries", number=number)))
    for number in (1, 2):
        fabricate(root, f"other{number}", steps=40, created=CREATED + 10 + number)
    folder = SweepFolder(Store(root), "tries")
    folder.root.mkdir(parents=True)
    folder.write(SWEEP)
    return root


def results_of(store):
    return sweep_results(SWEEP, Catalog(Store(store)).rows())


def numbers(app):
    return [int(row.value) for row in app.screen._table.rows]


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_trials_stand_by_knn_beside_the_best_one_and_a_heat_map(store, size):
    results = results_of(store)
    best = best_trial(results)
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "S")
        assert isinstance(app.screen, SweepScreen)
        await until(pilot, lambda: "Best trial" in screen_text(app))
        text = screen_text(app)
        assert "Sweep tries: τ and N" in screen_lines(app)[0]
        assert "grid · 6 of 6 trials · 5 finished, 1 failed" in text
        assert f"{percent(best.mean)}★" in text
        assert f"{best.number}: {values_words(best)}" in text
        scored = sorted((one for one in results if one.mean is not None), key=lambda one: -one.mean)
        assert numbers(app) == [one.number for one in scored] + [5], "a trial that failed stands last"
        if size[0] > 100:
            assert "kNN % by temp (down) and bs (across)" in text
            for one in scored:
                assert f"{100 * one.mean:.1f}" in text


async def test_o_and_a_click_on_a_heading_sort_and_the_cursor_stays_on_its_trial(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "S", "down")
        trial = app.screen._number
        await press(app, pilot, "o", "o")
        assert numbers(app) == list(range(6)), "after kNN and state, by the number of the trial"
        assert app.screen._number == trial
        assert "trial ▲" in screen_text(app)
        await press(app, pilot, "o")
        assert [SWEEP.listed[number]["temp"] for number in numbers(app)] == [0.1, 0.1, 0.5, 0.5, 1.0, 1.0]
        heading = screen_lines(app)[1]
        await pilot.click("#trials", offset=(heading.index(" bs") + 2, 0))
        await until(pilot, lambda: "bs ▲" in screen_text(app))
        await pilot.click("#trials", offset=(heading.index(" bs") + 2, 0))
        await until(pilot, lambda: "bs ▼" in screen_text(app))
        assert [SWEEP.listed[number]["bs"] for number in numbers(app)] == [64, 64, 64, 32, 32, 32]
        assert app.screen._number == trial


async def test_enter_goes_to_the_run_of_a_trial_and_escape_back(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "S")
        first = numbers(app)[0]
        await press(app, pilot, "enter")
        assert app.screen is app.main
        assert app.main.runs.current["name"] == f"trial{first}"
        before = app.main.runs.current["name"]
        for key in ("escape", "q", "S"):
            await press(app, pilot, "S", key)
            assert app.screen is app.main
            assert app.main.runs.current["name"] == before


async def test_a_run_that_ends_meanwhile_is_shown(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "S")
        run = fabricate(store, "trial5b", "finished", 40, created=CREATED + 20, temp=1.0, bs=64)
        run.write_info(msgspec.structs.replace(run.info, trial=Trial(sweep="tries", number=5)))
        await until(pilot, lambda: "6 finished, 1 failed" in screen_text(app))


async def test_without_a_sweep_the_key_does_nothing_and_a_lost_file_is_a_sentence(store, tmp_path):
    fabricate(tmp_path / "bare", "run1", steps=20)
    async with dashboard(tmp_path / "bare") as (app, pilot):
        await press(app, pilot, "S")
        assert app.screen is app.main
    (SweepFolder(Store(store), "tries").root / "sweep.json").write_text("{")
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "S")
        assert app.screen is app.main
        assert "tries has no readable sweep.json" in notices(app)


def test_a_field_of_many_values_is_told_by_ranges():
    axes = (parse_axis("temp", ",".join(f"{number / 10}" for number in range(1, 13))),)
    sweep = Sweep(name="t", sampler="grid", trials=12, seeds=(0,), axes=axes, listed=tuple(grid(axes)))
    results = [
        TrialResult(number, dict(values), (f"run{number}",), Counter({"finished": 1}), (0.1 + number / 100,), None)
        for number, values in enumerate(sweep.listed)
    ]
    lines = [line.split() for line in sweep_text(sweep, results, 60).plain.splitlines()]
    told = [(line[0], line[2]) for line in lines if line[:1] and "–" in line[0] and line[-1] == "trials"]
    assert told == [("0.1–0.3", "11.0%"), ("0.4–0.6", "14.0%"), ("0.7–0.9", "17.0%"), ("1.0–1.2", "20.0%")]


def test_accuracies_measured_in_different_ways_are_neither_averaged_nor_drawn():
    results = [
        TrialResult(
            number, dict(values), (f"run{number}",), Counter({"finished": 1}), (0.5 + number / 100,), None,
            measured=({"knn_k": 10 + number},),
        )
        for number, values in enumerate(SWEEP.listed)
    ]  # fmt: skip
    text = sweep_text(SWEEP, results, 60).plain
    assert "kNN by" not in text
    assert "kNN %" not in text
    assert "knn_k" in text, "the verdict says why"
