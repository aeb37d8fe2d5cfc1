"""What people do most takes few keys, and a small terminal answers a glance too: over twenty runs as people name them.

What an evaluation finds is seen in `tests/tui/commands/test_run_commands.py`.
"""

from __future__ import annotations

import pytest

from simclr_tui.launch.queue.queue import waiting_runs
from simclr_tui.store.store import Store
from simclr_tui.text import percent
from simclr_tui.tui.compare_screen import CompareScreen
from simclr_tui.tui.form.field_row import FieldRow
from tests.run_factory import save_checkpoint
from tests.tui.driving import dashboard, notices, press, screen_lines, screen_text, until, write
from tests.tui.people import people_store


@pytest.fixture
def store(tmp_path):
    return people_store(tmp_path / "runs")


async def test_nothing_is_pressed_to_see_why_a_run_failed_and_how_full_its_gpu_is(store):
    async with dashboard(store) as (app, _):
        assert "out of GPU memory at step 60" in screen_text(app)
        assert "GPU0 60.0 of 85 GB" in screen_text(app)


async def test_the_best_run_on_top_takes_two_keys_and_a_wide_list_one(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "o", "enter")
        names = [row["name"] for row in app.main.runs.rows]
        assert "best kNN first" in screen_text(app)
        known = [row["knn_best"] for row in app.main.runs.rows if row["knn_best"] is not None and row["step"]]
        assert known == sorted(known, reverse=True), names
        await press(app, pilot, "z")
        assert "finished" in screen_text(app)
        assert "images/s" in screen_text(app), "where there is room, more than the fields that differ is shown"


async def test_two_runs_overlaid_take_three_keys_and_their_comparison_one_more(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "space", "j", "space")
        assert len(app.main.curves._curves.panels[0].series) == 2
        await press(app, pilot, "equals_sign")
        assert isinstance(app.screen, CompareScreen)
        await until(pilot, lambda: "Differences" in screen_text(app))


async def test_another_temperature_takes_two_keys_and_its_value_and_stopping_two(store):
    async with dashboard(store) as (app, pilot):
        app.main.runs.select("baseline-seed2")
        await pilot.press("c")
        await until(pilot, lambda: len(app.screen.query(FieldRow)) and app.screen._preview is not None)
        assert "temp: Temperature" in screen_text(app), "the form begins at the field in which the runs differ most"
        await write(app, pilot, "0.25")
        await press(app, pilot, "ctrl+l")  # into the queue, which is paused; ^s would train
        await until(pilot, lambda: app.screen is app.main and len(waiting_runs(Store(store))) == 3)
        run = next(run for run in map(Store(store).run, waiting_runs(Store(store))) if run.recipe.temperature == 0.25)
        await until(pilot, lambda: app.main.runs.current["name"] == run.name)
        await press(app, pilot, "s", "y")
        await until(pilot, lambda: run.status.state == "stopped")
        await until(pilot, lambda: len(waiting_runs(Store(store))) == 2)


async def test_an_evaluation_takes_two_keys(store):
    save_checkpoint(Store(store).run("baseline-seed2").paths, 60)
    async with dashboard(store) as (app, pilot):
        app.main.runs.select("baseline-seed2")
        await press(app, pilot, "e")
        assert "Evaluate baseline-seed2 at step 60" in screen_text(app)
        await press(app, pilot, "enter")
        # The process that evaluates has begun: it says that these bytes are no encoder.
        await until(pilot, lambda: "no checkpoint of baseline-seed2 can be used: step-00000060.pt" in notices(app))


async def test_what_a_key_means_is_found_by_one_key_and_typing(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "question_mark")
        await write(app, pilot, "logarithmic")
        line = next(line for line in screen_text(app).splitlines() if "Make the y axis logarithmic" in line)
        assert " l " in line


async def test_a_terminal_of_60_by_20_answers_too(store):
    async with dashboard(store, (60, 20)) as (app, pilot):
        row, text = app.main.runs.current, screen_text(app)
        assert row["name"] == "second-gpu-run"
        assert f"kNN {percent(row['knn'])}" in text
        assert f"best {percent(app.main.runs_pane.best_knn)}" in text
        assert "ETA" in text
        assert "GPU0 62/85 GB" in text
        assert "out of GPU memory at step 60" in text
        assert "? keys" in text
        await press(app, pilot, "enter")
        assert "loss NT-Xent" in screen_text(app)


@pytest.mark.parametrize(
    ("run", "key", "said"),
    [
        (
            "baseline-seed2",
            "r",
            "this run has finished; c clones it, simclr resume RUN --epochs N trains it longer",
        ),
        ("baseline-seed2", "s", "this run is finished, so there is nothing to stop"),
        ("dcl-temp0.2-800ep", "r", "this run is running already"),
        ("dcl-temp0.2-800ep", "d", "this run is running; stop it first"),
        ("dcl-temp0.2-800ep", "K", "this run is running; only queued runs can be moved"),
        ("baseline-seed2", "equals_sign", "there is nothing to compare; space marks runs"),
    ],
)
async def test_a_key_that_cannot_act_says_why(store, run, key, said):
    async with dashboard(store) as (app, pilot):
        app.main.runs.select(run)
        await press(app, pilot, key)
        await until(pilot, lambda: notices(app) == said, what=notices(app))
        assert app.screen is app.main


async def test_a_store_without_runs_says_what_to_press_and_what_will_be_seen(tmp_path):
    async with dashboard(tmp_path / "runs") as (app, pilot):
        text = screen_text(app)
        for words in ("No runs here yet", "n  start one", "simclr run", "10 % is chance", "near 1 the encoder has"):
            assert words in text
        footer = screen_lines(app)[-1]
        assert footer.split() == ["n", "new", "q", "quit", "^p", "menu", "?", "keys"], "only keys that have an effect"
        for key in ("enter", "z", "slash", "2", "o"):
            await press(app, pilot, key)
            assert (app.screen, app.focused, screen_lines(app)[-1]) == (app.main, app.main.runs, footer)
    async with dashboard(tmp_path / "runs", (60, 20)) as (app, pilot):
        assert "No runs here yet" in screen_text(app)
        await press(app, pilot, "enter")
        assert "What you will see" in screen_text(app)
