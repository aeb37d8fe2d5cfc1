"""What changes while one looks: new steps, new runs, ended runs; and ten thousand of them."""

from __future__ import annotations

import shutil
import time

from simclr_tui.catalog.row import columns
from simclr_tui.store.state import write_state
from simclr_tui.tui.feed import feed
from simclr_tui.tui.runs.arrangement import Arrangement, differing_fields
from tests.tui.driving import dashboard, press, screen_lines, screen_text, until
from tests.tui.runs_fabric import CREATED, fabricate, make_state, write_metrics


async def test_a_running_run_is_followed_and_new_runs_appear(tmp_path):
    root = tmp_path / "runs"
    run = fabricate(root, "run1", "running", 100, 0.2)
    async with dashboard(root) as (app, pilot):
        assert "step 20/100" in screen_text(app)
        summary = write_metrics(run, 20, 60, 100)
        write_state(run.paths, make_state("running", 60, 100, summary))
        await until(pilot, lambda: "step 60/100" in screen_text(app))
        await until(pilot, lambda: max(app.main.curves._curves.panels[0].series[0].xs) == 60)
        fabricate(root, "run2", "finished", 100, created=CREATED + 9)
        await until(pilot, lambda: len(app.main.runs.rows) == 2)
        assert app.main.runs.current["name"] == "run1"
        write_state(run.paths, make_state("finished", 100, 100, summary))
        await until(pilot, lambda: "✓ 2" in screen_lines(app)[0])


async def test_a_run_that_vanishes_under_the_cursor_takes_nothing_down(tmp_path):
    root = tmp_path / "runs"
    fabricate(root, "run1", steps=60)
    fabricate(root, "run2", "running", 60, 0.5, created=CREATED + 1)
    async with dashboard(root) as (app, pilot):
        await press(app, pilot, "space", "2")
        shutil.rmtree(root / "run2")
        await until(pilot, lambda: len(app.main.runs.rows) == 1)
        assert app.main.runs_pane.marked == ()
        shutil.rmtree(root)
        await until(pilot, lambda: "No runs here yet" in screen_text(app))


async def test_a_marked_run_whose_recipe_cannot_be_read_hides_no_other(tmp_path):
    for number, temp in enumerate((0.1, 0.2, 0.7)):
        fabricate(tmp_path / "runs", f"run{number}", steps=20, created=CREATED + number, temp=temp)
    (tmp_path / "runs" / "run1" / "recipe.toml").write_text("temperature = ")
    async with dashboard(tmp_path / "runs") as (app, pilot):
        await press(app, pilot, "home", *["space", "j"] * 3, "home", "4", "v")
        line = await until(pilot, lambda: next((line for line in screen_lines(app) if "≠ temp " in line), ""))
        assert line.split("temp", 1)[1].split()[:2] == ["0.7", "0.1"]
        assert any("run1" in line[41:] for line in screen_lines(app)), "which of them cannot be read"


async def test_the_runs_longest_off_screen_are_forgotten_and_drawn_again_when_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(feed, "_KEEP_STEPS", 100)
    for number in range(4):
        fabricate(tmp_path / "runs", f"run{number}", steps=60, created=CREATED + number)
    async with dashboard(tmp_path / "runs") as (app, pilot):
        for name, kept in (("run3", "3"), ("run2", "32"), ("run1", "21"), ("run0", "10"), ("run1", "01")):
            await until(pilot, lambda now=name: [one.label for one in drawn(app)] == [now])
            assert len(drawn(app)[0].xs) == 60
            await until(pilot, lambda now=kept: list(app.feed._readers) == [f"run{number}" for number in now])
            await press(app, pilot, "up" if name == "run0" else "down")


def drawn(app):
    page = app.main.curves._curves
    return page.panels[0].series if page is not None else []


async def test_nothing_is_redrawn_while_nothing_changes(tmp_path):
    fabricate(tmp_path / "runs", steps=60)
    async with dashboard(tmp_path / "runs") as (app, pilot):
        drawn = []
        for panel in app.main.curves.query("Chart"):
            original = panel._draw
            panel._draw = lambda *args, original=original: drawn.append(1) or original(*args)
        asked = time.monotonic() + 1.3  # more than two turns of the feed
        await until(pilot, lambda: time.monotonic() > asked)
        assert drawn == []


async def test_ten_thousand_runs_mount_and_scroll(tmp_path, capsys):
    blank = dict.fromkeys(columns())
    rows = tuple(
        blank
        | {"name": f"run{number}", "state": "finished", "created": float(number), "bs": 256 + number % 3, "knn": 0.5}
        for number in range(10_000)
    )
    began = time.perf_counter()
    arranged = Arrangement().apply(rows)
    fields = differing_fields(arranged)
    sorted_in = time.perf_counter() - began
    fabricate(tmp_path / "runs", steps=60)
    async with dashboard(tmp_path / "runs") as (app, pilot):
        app.feed.stop()
        began = time.perf_counter()
        app.main.runs.show(arranged, fields)
        await pilot.pause()
        shown_in = time.perf_counter() - began
        assert app.main.runs.current["name"] == "run1"
        await pilot.press("home")
        assert "run9999" in screen_text(app)
        began = time.perf_counter()
        for _ in range(50):
            await pilot.press("down")
        moved_in = (time.perf_counter() - began) / 50
        assert app.main.runs.current["name"] == "run9949"
        await pilot.press("end")
        await pilot.pause()
        assert app.main.runs.current["name"] == "run0"
        assert "run0 " in screen_text(app)
        assert "run9999" not in screen_text(app)
    figures = f"sorted {sorted_in * 1e3:.0f} ms, shown {shown_in * 1e3:.0f} ms, a key {moved_in * 1e3:.1f} ms"
    with capsys.disabled():
        print(f"\n10,000 rows: {figures}")
