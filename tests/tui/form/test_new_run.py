"""The form: made from the recipe's fields, checked as one types, started by the function the command line uses."""

from __future__ import annotations

import shlex

import numpy as np
import pytest
from PIL import Image
from textual.events import Key
from textual.widgets import Input, Select

from simclr_tui.launch import stop as stopping
from simclr_tui.recipe.fields import fields
from simclr_tui.recipe.resolve import resolve
from simclr_tui.store.store import Store
from simclr_tui.tui.form.field_row import FieldRow
from simclr_tui.tui.form.planner import Entries, Planner
from tests.training import TINY
from tests.tui.driving import NARROW, WIDE, dashboard, notices, press, screen_text, until, write
from tests.tui.runs_fabric import fabricate

OFFERED = [item for item in fields() if not item.hidden]


def row(app, short):
    return next(row for row in app.screen.query(FieldRow) if row.item.short == short)


async def open_form(app, pilot, key="n"):
    """Until every field is there and the first plan is made."""
    await pilot.press(key)
    await until(pilot, lambda: len(app.screen.query(FieldRow)) == len(OFFERED), what="the form")
    await until(pilot, lambda: planned(app), what="the plan")


def planned(app):
    preview = app.screen._preview
    return preview is not None and preview.entries == app.screen.entries()


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_every_field_of_the_recipe_is_there_and_the_plan_says_what_it_costs(tmp_path, size):
    async with dashboard(tmp_path, size) as (app, pilot):
        await open_form(app, pilot)
        assert {row.item.key for row in app.screen.query(FieldRow)} == {item.key for item in OFFERED}
        costs = ("images", "10,000", "steps", "parameters")
        await until(pilot, lambda: all(words in screen_text(app) for words in costs))
        assert "preset quick" in " ".join(str(app.screen.query_one("#plan").content).split())
        assert row(app, "bs").query_one(Input).placeholder == str(resolve("quick").recipe.batch_size)


async def test_typing_is_checked_field_by_field_and_as_a_whole(tmp_path):
    async with dashboard(tmp_path) as (app, pilot):
        await open_form(app, pilot)
        row(app, "bs").query_one(Input).focus()
        await write(app, pilot, "1q")
        assert "--bs must be a whole number" in screen_text(app)
        assert app.screen.query_one("#start").disabled
        await pilot.press("backspace")
        await write(app, pilot, "000000")
        await until(pilot, lambda: planned(app))
        assert "does not fit into 10000" in app.screen._preview.problem
        assert "does not fit" in screen_text(app)
        await pilot.press(*["backspace"] * 5, "tab")
        await write(app, pilot, "0.1")
        await until(pilot, lambda: planned(app) and app.screen._preview.plan)
        recipe = app.screen._preview.plan.resolved.recipe
        assert (recipe.batch_size, recipe.temperature) == (10, 0.1)
        assert app.screen._preview.plan.resolved.sources["batch_size"] == "flag"
        assert "simclr run --temp 0.1 --bs 10" in screen_text(app)


async def test_keys_typed_in_a_burst_reach_the_field_they_were_meant_for(tmp_path):
    async with dashboard(tmp_path) as (app, pilot):
        await open_form(app, pilot)
        for key in ("tab", "6", "4", "tab", "3", "shift+tab", "5"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: row(app, "epochs").value == 3 and row(app, "subset").value == 5)
        assert row(app, "data").value is None


async def test_preset_and_choices_are_chosen_from_lists(tmp_path):
    async with dashboard(tmp_path) as (app, pilot):
        await open_form(app, pilot)
        app.screen.query_one("#preset", Select).value = "report"
        row(app, "encoder").query_one(Input).value = "resnet34"
        row(app, "head_bn").query_one(Select).value = "yes"
        await until(pilot, lambda: row(app, "head_bn").value is True and planned(app))
        plan = app.screen._preview.plan
        assert plan.resolved.preset == "report"
        assert plan.resolved.recipe.encoder == "resnet34"
        assert plan.resolved.recipe.head_bn is True
        assert (
            row(app, "lr").query_one(Input).placeholder == "3e-4"
            or "0.0003" in row(app, "lr").query_one(Input).placeholder
        )
        assert app.screen._planner.command(app.screen.entries()) == (
            "simclr run --preset report --encoder resnet34 --head-bn"
        )


async def test_names_that_cannot_be_are_refused_before_the_start(tmp_path):
    fabricate(tmp_path, "taken", steps=20)
    async with dashboard(tmp_path) as (app, pilot):
        await open_form(app, pilot)
        app.screen.query_one("#name", Input).focus()
        await write(app, pilot, "taken")
        assert "taken already exists" in screen_text(app)
        await press(app, pilot, "ctrl+s")
        assert "already exists" in notices(app)
        await press(app, pilot, "slash", "full_stop")
        assert "cannot name a run" in screen_text(app)
        await press(app, pilot, "escape")
        assert app.screen is app.main


async def test_clone_stands_on_the_runs_own_recipe(tmp_path):
    fabricate(tmp_path, "run1", steps=20, temp=0.07, bs=64)
    async with dashboard(tmp_path) as (app, pilot):
        await open_form(app, pilot, "c")
        assert row(app, "temp").query_one(Input).placeholder == "0.07"
        row(app, "epochs").query_one(Input).value = "7"
        await until(pilot, lambda: row(app, "epochs").value == 7 and planned(app))
        resolved = app.screen._preview.plan.resolved
        assert (resolved.recipe.temperature, resolved.recipe.batch_size, resolved.recipe.epochs) == (0.07, 64, 7)
        assert resolved.sources["temperature"] == "clone of run1"
        assert app.screen._planner.command(app.screen.entries()) == "simclr clone run1 --epochs 7"


def test_the_command_line_gives_the_same_recipe_and_survives_the_shell():
    entries = Entries(
        "quick", (("data", "folder:/a b"), ("temperature", 0.25), ("zero_init", True)), "n", ("a b",), "it's"
    )
    words = shlex.split(Planner().command(entries))
    assert words == [
        "simclr", "run", "--preset", "quick", "--data", "folder:/a b", "--zero-init", "--temp", "0.25",
        "--name", "n", "--tag", "a b", "--note", "it's",
    ]  # fmt: skip


def test_what_auto_stands_for_is_found_out_once(monkeypatch):
    asked = []
    monkeypatch.setattr("simclr_tui.tui.form.planner.resolve_auto", lambda: asked.append(1) or ("shapes", "so it is"))
    planner = Planner()
    for temperature in (0.1, 0.2, 0.3):
        preview = planner.preview(Entries("quick", (("temperature", temperature),)))
        assert preview.plan.resolved.recipe.data == "shapes"
        assert "data shapes: so it is" in preview.plan.choices
    assert asked == [1]
    assert resolve("quick").recipe == planner.preview(Entries("quick")).base


async def test_a_run_is_started_stopped_and_resumed_from_the_keyboard(tmp_path):
    root = tmp_path / "runs"
    tiny = TINY | {"epochs": 100_000, "knn_every": 0, "checkpoint_every": 10_000}
    async with dashboard(root) as (app, pilot):
        await open_form(app, pilot)
        app.screen.query_one("#preset", Select).value = "quick"
        for item in fields():
            value = tiny.get(item.key, tiny.get(item.short))
            if value is None:
                continue
            found = row(app, item.short)
            if item.choices:
                found.query_one(Select).value = str(value)
            else:
                found.query_one(Input).value = str(value)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is app.main and app.main.runs.rows, what="the run to be started")
        run = Store(root).run("run1")
        try:
            await until(pilot, lambda: "step" in screen_text(app) and "img/s" in screen_text(app), timeout=60)
            await press(app, pilot, "s")
            assert "Stop run1?" in screen_text(app)
            await press(app, pilot, "y")
            await until(pilot, lambda: "■ stopped" in screen_text(app), timeout=60)
            assert run.checkpoints
            stopped_at = run.status.step
            await press(app, pilot, "r")
            await until(pilot, lambda: run.status.state == "running" and run.status.step > stopped_at, timeout=60)
            await until(pilot, lambda: "● running" in screen_text(app))
            await press(app, pilot, "ctrl+k", "y")
            await until(pilot, lambda: "✗ failed" in screen_text(app), timeout=60)
        finally:
            if run.status.state in ("starting", "running"):
                stopping.kill(run)


async def test_a_slash_finds_a_field_and_starting_goes_to_the_one_that_is_wrong(tmp_path):
    fabricate(tmp_path, "before", steps=40)
    async with dashboard(tmp_path) as (app, pilot):
        await open_form(app, pilot)
        assert "at the speed of before" in " ".join(str(app.screen.query_one("#plan").content).split())
        await press(app, pilot, "down", "slash")  # in a number a slash means nothing; a path may need it
        await write(app, pilot, "decay weig")
        await press(app, pilot, "escape", "ctrl+f")
        await write(app, pilot, "warmup")
        await press(app, pilot, "enter")
        assert row(app, "warmup").query_one(Input).has_focus, "its group was opened"
        await write(app, pilot, "x")
        row(app, "lr").query_one(Input).focus()
        await write(app, pilot, "-1")
        told = " ".join(str(app.screen.query_one("#plan").content).split())
        assert "--warmup" in told
        assert "--lr" in told
        await press(app, pilot, "ctrl+s")
        assert row(app, "lr").query_one(Input).has_focus
        assert not list(tmp_path.glob("run*"))


async def test_a_table_of_images_is_counted_and_a_row_without_its_file_is_refused_before_the_start(tmp_path):
    table = tmp_path / "plates.csv"
    for number in range(20):
        Image.new("L", (9, 9), number).save(tmp_path / f"{number}.png")
    rows = [f"{number}.png,{'ab'[number % 2]},{'train' if number < 15 else 'test'}" for number in range(20)]
    table.write_text("\n".join(["path,label,split", *rows]))
    async with dashboard(tmp_path / "runs") as (app, pilot):
        await open_form(app, pilot)
        row(app, "data").query_one(Input).value = f"csv:{table}"
        row(app, "bs").query_one(Input).value = "5"
        await until(pilot, lambda: row(app, "bs").value == 5 and planned(app) and app.screen._preview.plan)
        plan = app.screen._preview.plan
        assert (plan.images, plan.steps_per_epoch) == (15, 3)
        told = " ".join(str(app.screen.query_one("#plan").content).split())
        assert "15 images to train on, 5 to test on 2 classes" in told
        table.write_text("path,label\n0.png,a\nnowhere.png,b")
        row(app, "bs").query_one(Input).value = "4"
        await until(pilot, lambda: row(app, "bs").value == 4 and planned(app))
        assert "plates.csv lists files that do not exist: 1 of 2 (nowhere.png)" in app.screen._preview.problem
        await press(app, pilot, "ctrl+s")
        assert "do not exist" in screen_text(app)
        assert not Store(tmp_path / "runs").names()


async def test_what_the_form_s_images_hold_is_said_beside_the_plan(tmp_path):
    """Say the values of a folder in 12 bits, and of an array, which only a process of its own reads, the splits too."""
    chance = np.random.default_rng(0)
    for label in "ab":
        for number in range(8):
            file = tmp_path / "xrays" / label / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(chance.integers(7, 4096, (9, 9), np.uint16)).save(file)
    np.savez(tmp_path / "d.npz", images=np.zeros((20, 9, 9), np.uint8), labels=np.arange(20) % 2)
    np.savez(tmp_path / "mixed.npz", images=np.zeros((20, 9, 9), np.uint8), test_images=np.zeros((9, 9, 9), np.uint16),
             labels=np.arange(20) % 2, test_labels=np.arange(9) % 2)  # fmt: skip

    def plan(app):
        return " ".join(str(app.screen.query_one("#plan").content).split())

    async with dashboard(tmp_path / "runs") as (app, pilot):
        await open_form(app, pilot)
        row(app, "bs").query_one(Input).value = "4"
        row(app, "data").query_one(Input).value = f"folder:{tmp_path / 'xrays'}"
        told = await until(pilot, lambda: "range: lowest and highest" in plan(app) and plan(app), 180, "the values")
        assert "PNG, 1 channel of uint16, 16 of 9 × 9 px values" in told
        assert "to test on (held out) 2 classes" in told
        row(app, "data").query_one(Input).value = f"npz:{tmp_path / 'd.npz'}"
        told = await until(pilot, lambda: "are constant (train/0000000" in plan(app) and plan(app), 180, "the splits")
        assert "uint16" not in told
        assert "to test on (held out)" in told
        row(app, "data").query_one(Input).value = f"npz:{tmp_path / 'mixed.npz'}"
        told = await until(pilot, lambda: "training would refuse this" in plan(app) and plan(app), 180, "the refusal")
        assert "the images differ in bit depth" in told
        await press(app, pilot, "escape")
    assert not Store(tmp_path / "runs").names()
