"""The list as the user wants it: sorted, grouped, pinned, with chosen columns and a filter that completes."""

from __future__ import annotations

import statistics

import pytest

from simclr_tui.paths import LAYOUT
from simclr_tui.tui.runs.arrangement import Arrangement
from tests.tui.driving import NARROW, WIDE, dashboard, notices, press, screen_lines, screen_text, write
from tests.tui.runs_fabric import CREATED, fabricate

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW])


@pytest.fixture
def store(tmp_path):
    """Five runs: two temperatures, three and two seeds."""
    root = tmp_path / "runs"
    for number, (temp, seed) in enumerate([(0.5, 0), (0.5, 1), (0.5, 2), (0.1, 0), (0.1, 1)], start=1):
        tags = ["paper"] if number == 2 else []
        fabricate(root, f"run{number}", created=CREATED + number, temp=temp, seed=seed, tags=tags, steps=80)
    return root


def names(app):
    return [row["name"] for row in app.main.runs.rows]


async def pick(app, pilot, key, text):
    await press(app, pilot, key)
    await write(app, pilot, text)
    await press(app, pilot, "enter")


@SIZES
async def test_groups_tell_mean_and_deviation_and_the_cursor_passes_over_them(store, size):
    async with dashboard(store, size) as (app, pilot):
        await pick(app, pilot, "g", "temp")
        assert names(app) == ["run5", "run4", "run3", "run2", "run1"]
        knn = [row["knn_best"] for row in app.main.runs.rows[2:]]
        wanted = f"temp 0.5  n=3  kNN {100 * statistics.fmean(knn):.1f} ± {100 * statistics.stdev(knn):.1f}%"
        lines = screen_lines(app)
        places = [index for index, line in enumerate(lines) if "temp 0." in line and "n=" in line]
        assert wanted in lines[places[1]]
        assert "run5" in lines[places[0] + 1]
        assert "run3" in lines[places[1] + 1]
        assert places[1] - places[0] == 3
        assert "by temp" in screen_text(app)
        for name in ("run4", "run3", "run2"):
            await press(app, pilot, "down")
            assert app.main.runs.current["name"] == name
        await pilot.click("RunList", offset=(5, 4))  # the heading of the second group
        assert app.main.runs.current["name"] == "run2"
        await pilot.click("RunList", offset=(5, 5))
        assert app.main.runs.current["name"] == "run3"
        await pick(app, pilot, "g", "nothing")
        assert not [line for line in screen_lines(app) if "n=" in line]


async def test_groups_by_tag(store):
    async with dashboard(store) as (app, pilot):
        await pick(app, pilot, "g", "tags")
        assert "tags paper  n=1" in screen_text(app)
        assert "tags –  n=4" in screen_text(app)


async def test_a_group_of_one_has_no_deviation_and_scrolling_keeps_the_cursor_in_view(tmp_path):
    for number in range(30):
        fabricate(tmp_path, f"run{number}", steps=20, seed=number)
    async with dashboard(tmp_path, NARROW) as (app, pilot):
        await pick(app, pilot, "g", "seed")
        assert "±" not in "".join(line for line in screen_lines(app) if "n=1" in line)
        await press(app, pilot, "end")
        name = app.main.runs.current["name"]
        assert any(f" {name} " in line for line in screen_lines(app))
        await press(app, pilot, "home")
        assert any(f" {app.main.runs.current['name']} " in line for line in screen_lines(app))


@SIZES
async def test_a_pinned_run_stands_on_top_whatever_the_order_and_the_filter(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "end", "p")
        assert names(app) == ["run1", "run5", "run4", "run3", "run2"]
        assert any("⌃run1 " in line for line in screen_lines(app))
        await press(app, pilot, "O")
        assert names(app)[0] == "run1"
        await write(app, pilot, "/temp<0.2")
        assert names(app) == ["run1", "run4", "run5"]
        await press(app, pilot, "escape", "home", "p")
        assert app.main.runs_pane.arrangement.pinned == ()


@SIZES
async def test_columns_are_ticked_in_their_order_and_dropped_again(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "C")
        await write(app, pilot, "lr images_p ")
        assert "lr, images_per_s" in screen_text(app)
        await press(app, pilot, "enter")
        heading = next(line for line in screen_lines(app) if "run  " in line and "kNN %" in line)
        assert heading.index(" lr") < heading.index("images/s")
        assert "temp" not in heading
        await press(app, pilot, "C")
        await write(app, pilot, "lr images_p ")
        assert "nothing chosen" in screen_text(app)
        await press(app, pilot, "enter")
        assert "temp" in next(line for line in screen_lines(app) if "run  " in line and "kNN %" in line)


async def test_the_list_comes_back_as_it_was_left(store):
    async with dashboard(store) as (app, pilot):
        await pick(app, pilot, "o", "temp")
        await pick(app, pilot, "g", "seed")
        await press(app, pilot, "end", "p", "C")
        await write(app, pilot, "lr ")
        await press(app, pilot, "enter")
        left, shown = app.main.runs_pane.arrangement, names(app)
        assert left.pinned
    (store / LAYOUT).write_text((store / LAYOUT).read_text().replace('"list_group"', '"x": 1, "list_group"'))
    async with dashboard(store) as (app, pilot):
        assert (app.main.runs_pane.arrangement, names(app)) == (left, shown)


async def test_what_cannot_be_a_column_any_more_is_left_out(store):
    (store / LAYOUT).write_text(
        '{"list_order": "gone", "list_columns": ["gone"], "list_group": "gone", "list_pinned": 3}'
    )
    async with dashboard(store) as (app, _):
        assert app.main.runs_pane.arrangement == Arrangement()


async def test_what_the_list_is_sorted_by_has_a_column(store):
    async with dashboard(store) as (app, pilot):
        await pick(app, pilot, "o", "warmup")
        assert "warmup" in next(line for line in screen_lines(app) if "run  " in line and "kNN %" in line)


async def test_the_filter_offers_columns_and_the_values_of_the_store(store):
    async with dashboard(store) as (app, pilot):
        await write(app, pilot, "/tag:pa")
        await press(app, pilot, "right")
        assert app.focused.value == "tag:paper"
        assert names(app) == ["run2"]
        app.focused.value = ""
        await write(app, pilot, "te")
        await press(app, pilot, "right")
        assert app.focused.value == "temp>="
        assert "not a whole comparison" in screen_lines(app)[-2]
        await write(app, pilot, "0.5")
        assert names(app) == ["run3", "run2", "run1"]
        assert notices(app) == ""
