"""What a glance answers, without a key: the text of the first frame over twenty runs named as people name them."""

from __future__ import annotations

import re

import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.references import ranked_by_kind, ranked_with
from simclr_tui.paths import LAYOUT
from simclr_tui.store.state import OPEN
from simclr_tui.store.store import Store
from simclr_tui.text import percent
from simclr_tui.tui.feed.messages import Listing
from simclr_tui.tui.runs.runs_pane import first_to_look_at
from tests.tui.driving import dashboard, press, screen_lines, screen_text, until, write
from tests.tui.people import people_store
from tests.tui.runs_fabric import CREATED, fabricate


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return people_store(tmp_path_factory.mktemp("people") / "runs")


@pytest.fixture(autouse=True)
def unremembered(store):
    """Forget how the test before left the list."""
    (store / LAYOUT).unlink(missing_ok=True)


@pytest.mark.parametrize("size", [(200, 60), (120, 36), (80, 24)])
async def test_five_questions_are_answered_without_a_key(store, size):
    async with dashboard(store, size) as (app, _):
        text, lines = screen_text(app), screen_lines(app)
        row = app.main.runs.current
        assert row["name"] == "second-gpu-run", "the dashboard opens on a run that trains"
        # Does it learn?
        assert f"kNN {percent(row['knn'])}" in text
        at = next(index for index, line in enumerate(lines) if "● second-gpu-run" in line)
        assert f"{100 * row['knn_best']:.1f}" in lines[at]
        # Which is the best so far?
        best = ranked_with(ranked_by_kind(app.main.runs_pane.all_rows), row)[0]
        assert best["state"] == "finished"
        if size[0] > 80:
            assert f"best comparable {percent(best['knn_best'])}" in text
        stars = [line for line in lines if re.search(r"\d★", line[: size[0] // 2])]
        assert len(stars) <= 1
        assert size[1] < 40 or len(stars) == 1
        # When will it be done?
        assert re.search(r"10%.* \d+s", lines[at] + lines[at + 1])
        # Is the GPU full and busy?
        assert re.search(r"GPU0 \d+(\.\d)?( of |/)85 GB.{1,3}\d+%", text)
        # If it ended, why?
        assert "out of GPU memory at step 60" in text
        assert re.search("power-cut +lost 66%[^│]*│\n│ +r resumes it|lost at 66% · r resumes it", text)
        assert "collapsed" in text
        assert "queue paused (Q)" in lines[0]
        assert "the queue is paused (Q)" in text


STATES = {  # what is said of a run in each of nine states: how far it is or what is wrong, below its name or beside it
    "second-gpu-run": ("●", "10%  4s"),
    "no-head": ("◌", "next: the queue is paused (Q)"),
    "bigger-batch": ("◌", "no. 2: the queue is paused (Q)"),
    "dcl-temp0.2": ("✓", "epoch 3/3"),
    "stopped-by-hand": ("■", "stopped at 50% · r resumes it"),
    "bs4096-oom": ("✗", "out of GPU memory at step 60"),
    "lr-too-high": ("✗", "the loss is not finite"),
    "no-negatives": ("✓", "collapsed, finished"),
    "power-cut": ("?", "lost at 66% · r resumes it"),
}


async def test_sixty_columns_answer_the_questions_of_a_run_in_each_of_nine_states(store):
    async with dashboard(store, (60, 20)) as (app, pilot):
        for name, (glyph, said) in STATES.items():
            app.main.runs.select(name)
            row = app.main.runs.current
            await until(pilot, lambda end=name[-3:]: screen_lines(app)[-2].split()[0].endswith(end))
            lines = screen_lines(app)
            assert f"kNN {percent(row['knn'])}" in lines[-2]
            at = next(index for index, line in enumerate(lines) if f"{glyph} {name} " in line)
            assert f"{100 * row['knn_best']:.1f}" in lines[at]
            assert said in lines[at + 1] + lines[-2]
            assert row["state"] != "running" or "ETA 4s" in lines[-2]


async def test_names_give_way_to_knn_and_to_what_the_list_is_sorted_by(store):
    async with dashboard(store) as (app, pilot):
        heading = next(line for line in screen_lines(app) if "run  " in line)
        assert "kNN %" in heading
        assert "temp" in heading, "the field with the most values"
        assert any("baseline-re…t18-cifar10" in line for line in screen_lines(app))
        await press(app, pilot, "z")
        wide = screen_lines(app)
        assert any("baseline-resnet18-cifar10" in line and "finished" in line for line in wide)
        names = ("power-cut", "no-negatives")
        after = {name: wide[at + 1] for name in names for at, line in enumerate(wide) if name in line}
        assert after["power-cut"].strip("│ ") == "r resumes it", "its state is on the first line"
        assert "collapsed" not in after["no-negatives"]
        await press(app, pilot, "z")
        assert "Curves" in screen_text(app)


async def test_headings_sort_and_waiting_runs_stand_with_the_next_on_top(store):
    async with dashboard(store) as (app, pilot):
        names = [row["name"] for row in app.main.runs.rows]
        assert names.index("no-head") < names.index("bigger-batch")
        column = next(line for line in screen_lines(app) if "kNN %" in line).index("kNN %") - 1
        await pilot.click("RunList", offset=(column, 0))
        await press(app, pilot)
        assert app.main.runs_pane.arrangement.order == "knn_best"
        assert "best kNN first" in screen_text(app)


async def test_marked_runs_never_share_a_colour_and_have_their_letters_in_the_list(tmp_path):
    for number in range(12):
        fabricate(tmp_path, f"run{10 * number}", steps=20, created=CREATED + number)
    async with dashboard(tmp_path) as (app, pilot):
        await press(app, pilot, "home", *["space", "j"] * 12)
        series = app.main.curves._curves.panels[0].series
        assert len({one.colour for one in series}) == len(series) == 12
        signs = app.main.runs.signs.marked
        assert {one.label: one.colour for one in series} == {name: colour for name, (_, colour) in signs.items()}
        assert sorted(letter for letter, _ in signs.values()) == list("abcdefghijkl")


async def test_what_did_not_end_well_has_no_star_and_is_not_called_healthy(store):
    rows = {row["name"]: row for row in Catalog(Store(store)).rows()}
    assert rows["no-negatives"]["flags"] == "collapsed"
    async with dashboard(store) as (app, pilot):
        app.main.runs.select("bs4096-oom")
        await until(pilot, lambda: "✗ failed  out of GPU memory at step 60" in screen_text(app))
        head = [line[41:] for line in screen_lines(app)[2:5]]
        assert "healthy" not in " ".join(head)
        app.main.runs.select("no-head")
        await until(pilot, lambda: "◌ queued  next: the queue is paused (Q)" in screen_lines(app)[2])


async def test_a_queued_run_shows_its_recipe_and_what_it_waits_for(store):
    async with dashboard(store) as (app, pilot):
        app.main.runs.select("bigger-batch")
        await press(app, pilot, "4")
        lines = await until(pilot, lambda: "no. 2: the queue is" in (now := screen_lines(app))[2] and now)
        assert any(re.search("data +shapes +flag", line[41:]) for line in lines)


async def test_a_store_that_is_being_indexed_opens_on_what_is_worth_seeing_until_the_cursor_is_moved(store, tmp_path):
    rows = tuple(Catalog(Store(store)).rows())
    ended = tuple(row for row in rows if row["state"] not in OPEN)
    async with dashboard(tmp_path) as (app, pilot):
        app.feed.stop()
        runs = app.main.runs
        for count in (2, 9, len(ended)):
            app.main.take(Listing(ended[:count], indexing=True))
            assert runs.cursor == 0, "the newest of those that were read so far"
        app.main.take(Listing(rows, indexing=True))
        assert runs.current["name"] == "second-gpu-run"
        await pilot.press("down")
        moved = runs.current["name"]
        for indexing in (True, False):
            app.main.take(Listing((*rows, rows[0] | {"name": "newer", "created": CREATED + 999}), indexing=indexing))
            assert runs.current["name"] == moved, "it stays where it was put"


async def test_the_system_tab_shows_this_machine_where_no_run_is_chosen(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "2")
        assert "this machine" not in screen_text(app), "a run's own samples are shown alone"
        await press(app, pilot, "slash", *"zzz", "enter")
        await until(pilot, lambda: "│this machine: " in screen_text(app))


def test_the_dashboard_opens_on_a_running_run_else_the_newest_with_data():
    queued, done, older = ({"name": name, "state": state, "step": step} for name, state, step in (
        ("next", "queued", 0), ("done", "finished", 60), ("older", "finished", 60)))  # fmt: skip
    assert first_to_look_at([queued, done, older, older | {"name": "trains", "state": "running"}]) == "trains"
    assert first_to_look_at([queued, done, older]) == "done"
    assert first_to_look_at([queued]) == "next"
    assert first_to_look_at([]) == ""


async def test_the_first_frame_says_how_knn_has_changed(store):
    async with dashboard(store) as (app, _):
        assert re.search(r"kNN \d+\.\d% ▲\d+\.\d in 2 epochs", "".join(screen_lines(app)[2:5]))


async def test_groups_in_a_list_that_scrolls_cut_neither_values_nor_averages(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "g")
        await write(app, pilot, "temp")
        await press(app, pilot, "enter")
        shown = [line[:41] for line in screen_lines(app)[3:-2]]
        assert app.main.runs.show_vertical_scrollbar
        assert any(line.rstrip("│█▁▂▃▄▅▆▇ ").endswith("0.5") for line in shown)
        assert any(re.search(r"temp 0\.5  n=8 of 15  kNN \d+\.\d ± \d+\.\d%", line) for line in shown)
