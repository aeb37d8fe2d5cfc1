"""Acting on the run under the cursor: each key does what the command does, and says what came of it."""

from __future__ import annotations

import sys

import pytest
from textual.widgets import Input

from simclr_tui.launch.metadata import Metadata
from simclr_tui.launch.queue.queue import enqueue, pause, waiting_runs, why_paused
from simclr_tui.launch.waiting import take_out
from simclr_tui.store.evaluations import read_evaluation
from simclr_tui.store.store import Store
from simclr_tui.text import percent
from simclr_tui.tui.dialogs.ask import Ask
from simclr_tui.tui.dialogs.confirm import Confirm
from simclr_tui.tui.dialogs.pick import Pick
from simclr_tui.tui.form.new_run import NewRun
from tests.training import tiny_plan, tiny_run, train_in_process
from tests.tui.driving import NARROW, WIDE, dashboard, notices, press, screen_lines, screen_text, until, write
from tests.tui.runs_fabric import CREATED, fabricate

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW])


@pytest.fixture
def store(tmp_path):
    """run3 trains; run2 and run1 are finished, run2 is tagged."""
    root = tmp_path / "runs"
    fabricate(root, "run1", created=CREATED, temp=0.5, steps=60)
    fabricate(root, "run2", created=CREATED + 1, temp=0.1, tags=["paper"], steps=60)
    fabricate(root, "run3", "running", 60, 0.5, created=CREATED + 2, temp=0.3)
    return root


@pytest.fixture(scope="module")
def trained(tmp_path_factory, shared_data):
    """A store with one run that was really trained."""
    root = tmp_path_factory.mktemp("acting") / "runs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMCLR_DATA", str(shared_data))
        assert train_in_process(tiny_run(root, epochs=1)).returncode == 0
    return root


def info(root, name):
    return Store(root).run(name).info


async def retype(app, pilot, text):
    """Type over what stands in the input."""
    app.focused.value = ""
    await write(app, pilot, text)


@SIZES
async def test_tags_are_changed_and_taken_back(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "down", "t")
        assert isinstance(app.screen, Ask)
        assert "Tags of run2" in screen_text(app)
        await retype(app, pilot, "night, pap")
        await until(pilot, lambda: "night, paper" in screen_text(app))  # what is offered
        await press(app, pilot, "right")
        assert app.focused.value == "night, paper"
        await press(app, pilot, "enter")
        await until(pilot, lambda: info(store, "run2").tags == ["paper", "night"])
        await until(pilot, lambda: "run2: tags" in notices(app))
        await press(app, pilot, "u")
        await until(pilot, lambda: info(store, "run2").tags == ["paper"])


@SIZES
async def test_what_cannot_be_a_tag_is_said_and_not_done(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "t")
        await retype(app, pilot, "two words")
        assert "cannot be a tag" in screen_text(app)
        await press(app, pilot, "enter")
        assert isinstance(app.screen, Ask)
        await press(app, pilot, "escape")
        assert info(store, "run3").tags == []


@SIZES
async def test_note_is_written_and_taken_back(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "end", "N")
        await retype(app, pilot, "quiet skdnq")  # every letter is a key elsewhere
        await press(app, pilot, "enter")
        await until(pilot, lambda: info(store, "run1").note == "quiet skdnq")
        assert app.screen is app.main
        await until(pilot, lambda: "run1: note" in notices(app))
        await press(app, pilot, "u")
        await until(pilot, lambda: info(store, "run1").note == "")


@SIZES
async def test_rename_keeps_mark_pin_and_cursor_and_can_be_undone(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "end", "space", "p", "R")
        await retype(app, pilot, "run2")
        assert "already exists" in screen_text(app)
        await retype(app, pilot, "baseline")
        await press(app, pilot, "enter")
        await until(pilot, lambda: (app.main.runs.current or {}).get("name") == "baseline")
        assert app.main.runs_pane.marked == ("baseline",)
        assert app.main.runs_pane.arrangement.pinned == ("baseline",)
        assert info(store, "baseline").name == "baseline"
        await until(pilot, lambda: app.main.changes.done)
        await press(app, pilot, "u")
        await until(pilot, lambda: (app.main.runs.current or {}).get("name") == "run1")
        assert app.main.runs_pane.marked == ("run1",)


async def test_a_training_run_is_not_renamed_or_deleted(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "R", "d")
        assert app.screen is app.main


@SIZES
async def test_undo_without_anything_done_offers_the_trash(store, size):
    Store(store).remove(Store(store).run("run1"))
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "u")
        assert isinstance(app.screen, Confirm)
        assert "Bring run1 back?" in screen_text(app)
        await press(app, pilot, "y")
        await until(pilot, lambda: (store / "run1").exists())
        await until(pilot, lambda: "run1 is back" in notices(app))
        await press(app, pilot, "u")
        await until(pilot, lambda: "nothing to undo" in notices(app))


@SIZES
async def test_clone_is_prefilled_with_the_recipe(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "down", "c")
        await until(pilot, lambda: isinstance(app.screen, NewRun) and "Clone of run2" in screen_text(app))
        temp = [line for line in screen_lines(app) if line.split()[:1] == ["temp"]]
        assert len(temp) == 1
        assert "0.1" in temp[0]


@SIZES
async def test_a_clone_waits_in_the_queue_and_stop_takes_it_out(store, size):
    pause(Store(store))  # nothing is to be trained here
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "end", "c")
        app.screen.query_one("#name", Input).value = "later"
        await press(app, pilot, "ctrl+l")
        await until(pilot, lambda: (app.main.runs.current or {}).get("name") == "later")
        run = Store(store).run("later")
        assert run.status.state == "queued"
        assert run.recipe.temperature == 0.5
        await press(app, pilot, "d", "R")
        assert app.screen is app.main
        await press(app, pilot, "s", "y")
        await until(pilot, lambda: run.status.state == "stopped")


async def test_waiting_runs_change_places_and_the_queue_is_paused_and_goes_on(store):
    pause(Store(store))
    for name in ("one", "two", "three"):
        enqueue(Store(store), tiny_plan(), Metadata(name=name))
    async with dashboard(store) as (app, pilot):
        await until(pilot, lambda: [row.get("place") for row in app.main.runs.rows[:3]] == [1, 2, 3])
        await press(app, pilot, "home", "down", "down", "K")
        await until(pilot, lambda: list(waiting_runs(Store(store))) == ["one", "three", "two"])
        await press(app, pilot, "K", "K")
        await until(pilot, lambda: list(waiting_runs(Store(store))) == ["three", "one", "two"])
        await press(app, pilot, "J")
        await until(pilot, lambda: list(waiting_runs(Store(store))) == ["one", "three", "two"])
        for name in ("one", "two", "three"):
            assert take_out(Store(store).run(name))
        await press(app, pilot, "Q")
        await until(pilot, lambda: "the queue is running again" in notices(app))
        assert why_paused(Store(store)) == ""
        await press(app, pilot, "Q")
        await until(pilot, lambda: why_paused(Store(store)) == "the user paused it")


@SIZES
async def test_evaluate_asks_for_the_protocol_runs_it_and_shows_the_result(trained, size):
    run = Store(trained).run("run1")
    for path in run.paths.evaluations.glob("*.json"):
        path.unlink()
    async with dashboard(trained, size) as (app, pilot):
        await press(app, pilot, "e")
        assert isinstance(app.screen, Pick)
        assert "Evaluate run1 at step 6" in screen_text(app)
        await write(app, pilot, "neighbours")
        await pilot.press("enter")
        await until(pilot, lambda: "evaluating run1" in screen_text(app), what="the status line to say so")
        found = await until(pilot, lambda: read_evaluation(run.paths, "knn"), 120)
        await until(pilot, lambda: f"run1 knn: {found.words}" in notices(app))
        await until(pilot, lambda: "evaluating" not in screen_text(app))
        if size == WIDE:  # beside the kNN of training
            await until(
                pilot, lambda: f"eval knn {percent(found.top1)}" in screen_text(app), what="the head to tell it"
            )
        await press(app, pilot, "4")
        await until(pilot, lambda: found.words in screen_text(app), what="the Recipe tab to tell it")


async def test_work_that_is_not_wanted_any_more_ends_and_leaves_no_result(trained):
    run = Store(trained).run("run1")
    async with dashboard(trained) as (app, pilot):
        await press(app, pilot, "e")
        await write(app, pilot, "linear-aug")
        await pilot.press("enter")
        job = (await until(pilot, lambda: app.jobs._running))[0]
        await until(pilot, lambda: job.progress, 60)
        await pilot.press("X")
        await until(pilot, lambda: "was cancelled" in notices(app))
        assert job.cancel._process.poll() is not None
        assert not app.jobs.words
    assert read_evaluation(run.paths, "linear-aug") is None


async def test_leaving_ends_the_work_that_was_begun(trained):
    async with dashboard(trained) as (app, pilot):
        await press(app, pilot, "e")
        await write(app, pilot, "linear-aug")
        await pilot.press("enter")
        job = (await until(pilot, lambda: app.jobs._running))[0]
        await until(pilot, lambda: job.progress, 60)
    assert job.cancel._process.wait(60) != 0


async def test_a_run_without_checkpoint_cannot_be_evaluated_and_says_why(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "e")
        assert app.screen is app.main
        assert "run3 has no checkpoint yet" in notices(app)


async def test_export_asks_where_to_and_writes_the_encoder_or_the_metrics(trained, tmp_path):
    async with dashboard(trained, NARROW) as (app, pilot):
        await press(app, pilot, "x")
        assert app.focused.value == "run1.safetensors"
        await retype(app, pilot, f"{tmp_path}/encoder.txt")
        assert "cannot write" in screen_text(app)
        await pilot.press("enter")
        assert isinstance(app.screen, Ask)
        await retype(app, pilot, f"{tmp_path}/e.pt")
        await pilot.press("enter")
        await until(pilot, lambda: f"wrote {tmp_path}/e.pt" in notices(app), 120)
        assert (tmp_path / "e.pt").exists()
        assert (tmp_path / "e.pt.md").exists()
        await press(app, pilot, "x")
        await retype(app, pilot, f"{tmp_path}/e.p")
        await press(app, pilot, "right")
        assert app.focused.value == f"{tmp_path}/e.pt"
        assert "replaces" in screen_text(app)
        await retype(app, pilot, f"{tmp_path}/m.csv")
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "m.csv").exists())


async def test_an_export_that_fails_becomes_a_sentence(store, tmp_path):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "end", "x")
        await retype(app, pilot, f"{tmp_path}/e.pt")
        await pilot.press("enter")
        await until(pilot, lambda: "no checkpoint" in notices(app), 60)
        assert "Traceback" not in notices(app)
        assert not (tmp_path / "e.pt").exists()


async def test_export_writes_figure_report_and_table_of_the_marked_runs(store, tmp_path):
    pytest.importorskip("matplotlib")
    async with dashboard(store, NARROW) as (app, pilot):
        await press(app, pilot, "end", "x")
        await retype(app, pilot, f"{tmp_path}/t.tex")
        assert "at least two runs" in screen_text(app)
        await press(app, pilot, "escape", "space", "up")  # run1 is marked; with run2 under the cursor that is two
        for name, content in (
            ("f.svg", ("<svg", "temp 0.1", "temp 0.5")),
            ("r.md", ("run1, run2", "simclr run")),
            ("t.tex", (r"\begin{tabular}{lrr}", "run1 & run2", "kNN accuracy")),
        ):
            await press(app, pilot, "x")
            await retype(app, pilot, f"{tmp_path}/{name}")
            assert "of run1, run2" in screen_text(app)
            await pilot.press("enter")
            if name == "f.svg":  # which can show one thing or another
                await until(pilot, lambda: "What the figure shows" in screen_text(app))
                assert app.focused.value == "--metric loss,knn --x step"
                await retype(app, pilot, "--x hours")
                assert "it is one of step, epoch, time" in screen_text(app)
                await retype(app, pilot, "--metric loss --group te")
                await until(pilot, lambda: app.focused._suggestion)
                await press(app, pilot, "right")
                assert "loss over steps, a line per temp, its mean ± std; of run1, run2" in screen_text(app)
                await pilot.press("enter")
            await until(pilot, lambda name=name: f"wrote {tmp_path}/{name}" in notices(app))
            written = (tmp_path / name).read_text()
            assert [words for words in content if words not in written] == []


async def test_a_figure_without_matplotlib_says_what_to_install(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    async with dashboard(store, NARROW) as (app, pilot):
        await press(app, pilot, "end", "x")
        await retype(app, pilot, f"{tmp_path}/f.png")
        assert "simclr-tui[plot]" in screen_text(app)
        await pilot.press("enter")
        assert isinstance(app.screen, Ask), "there is nothing to start"


async def test_a_report_that_is_cancelled_is_not_written(store, tmp_path):
    async with dashboard(store, NARROW) as (app, pilot):
        await press(app, pilot, "end", "x")
        await retype(app, pilot, f"{tmp_path}/r.html")
        await pilot.press("enter")
        await until(pilot, lambda: app.jobs._running)
        await pilot.press("X")
        await until(pilot, lambda: not app.jobs.words)
        assert "cancelled" in notices(app)
        assert "wrote" not in notices(app)
        assert not (tmp_path / "r.html").exists()
