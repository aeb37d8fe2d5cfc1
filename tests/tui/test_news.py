"""What happens to runs is told, and a dashboard that read-only says why it does nothing."""

from __future__ import annotations

import sys

import msgspec
import pytest

from simclr_tui.config import Config
from simclr_tui.store.state import read_state, write_state
from simclr_tui.tui.actions import ACTIONS
from simclr_tui.tui.app import Dashboard
from simclr_tui.tui.screenshot import settle
from tests.tui.driving import NARROW, WIDE, dashboard, notices, press, screen_lines, screen_text, until
from tests.tui.runs_fabric import CREATED, fabricate


def change(run, **values):
    write_state(run.paths, msgspec.structs.replace(read_state(run.paths), **values))


@pytest.fixture
def runs(tmp_path):
    fabricate(tmp_path / "runs", "run1", "running", 60, 0.5, created=CREATED)
    other = fabricate(tmp_path / "runs", "run2", "running", 60, 0.5, created=CREATED - 1)
    return tmp_path / "runs", other


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_an_end_is_told_and_signed_until_one_looks(runs, size):
    root, run = runs
    async with dashboard(root, size) as (app, pilot):
        assert notices(app) == ""
        change(run, state="failed", reason="out of memory at step 30", process=None)
        await until(pilot, lambda: "run2 failed: out of memory at step 30" in notices(app))
        await until(pilot, lambda: any("✗!run2" in line for line in screen_lines(app)))
        await press(app, pilot, "down")
        assert any("✗ run2" in line for line in screen_lines(app))


async def test_a_collapse_is_told_once_and_stands_in_the_list(runs):
    root, run = runs
    async with dashboard(root) as (app, pilot):
        change(run, flags=("collapsed",))
        await until(pilot, lambda: "run2 collapsed" in notices(app))
        await until(pilot, lambda: any("collapsed  " in line and "50%" in line for line in screen_lines(app)))
        change(run, step=31, flags=("collapsed",))
        await settle(pilot, app)
        assert notices(app).count("collapsed") == 1


async def test_bell_and_command_are_used_if_wished_and_only_for_what_was_chosen(runs, tmp_path):
    root, run = runs
    target = tmp_path / "told"
    code = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
    config = Config(bell=True, tell=("finished",), notify=(sys.executable, "-c", code, str(target), "{message}"))
    app = Dashboard(root, config)
    rung = []
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        app.bell = lambda: rung.append(True)
        await settle(pilot, app)
        change(run, flags=("collapsed",))
        await until(pilot, lambda: any("collapsed" in line for line in screen_lines(app)))
        assert not rung
        change(run, state="finished", flags=(), process=None)
        await until(pilot, lambda: target.exists() and target.read_text().startswith("run2 finished, kNN"))
        assert rung == [True]


async def test_a_command_that_fails_is_told(runs):
    root, run = runs
    app = Dashboard(root, Config(notify=("/nowhere/at-all",)))
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await settle(pilot, app)
        change(run, state="finished", process=None)
        await until(pilot, lambda: "notify did not work" in notices(app))


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_readonly_every_acting_key_says_why_not(runs, size):
    root, _ = runs
    app = Dashboard(root, readonly=True)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot, app)
        for action in ACTIONS:
            if action.acts and action.is_in("main"):
                app.clear_notifications()
                await pilot.pause()
                await press(app, pilot, action.keys.split(",")[0])
                assert "read-only" in notices(app), action.id
                assert app.screen is app.main, action.id
        assert "read-only" in screen_lines(app)[0]
        await press(app, pilot, "space", "o", "escape", "4")
        assert "preset quick" in screen_text(app)


async def test_an_unknown_theme_is_a_sentence_and_a_known_one_is_worn(runs):
    root, _ = runs
    for theme, said in (("nrod", "did you mean nord?"), ("nord", "")):
        app = Dashboard(root, Config(theme=theme))
        async with app.run_test(size=WIDE, notifications=True) as pilot:
            await settle(pilot, app)
            assert said in notices(app)
            assert (app.theme == theme) == (not said)
