"""The main screen with fabricated runs: what it shows, and what every key does, wide and narrow."""

from __future__ import annotations

import pytest

from simclr_tui.bench.fabric import make_store
from simclr_tui.display.colours import run_colour
from simclr_tui.store.store import Store
from simclr_tui.tui.compare_screen import CompareScreen
from simclr_tui.tui.dialogs.confirm import Confirm
from simclr_tui.tui.dialogs.help import Help
from simclr_tui.tui.form.new_run import NewRun
from simclr_tui.tui.tabs.log_view import LogView
from simclr_tui.tui.tabs.recipe_tab import RecipeTab
from tests.tui.driving import NARROW, WIDE, dashboard, notices, press, screen_lines, screen_text, until, write
from tests.tui.runs_fabric import CREATED, fabricate


@pytest.fixture
def store(tmp_path):
    """Four runs: run4 trains, run3 failed, run2 and run1 are finished and differ in temperature."""
    root = tmp_path / "runs"
    fabricate(root, "run1", created=CREATED, temp=0.5, log="the log of run1\n", steps=120)
    fabricate(root, "run2", created=CREATED + 1, temp=0.1, tags=["paper"], steps=120)
    fabricate(root, "run3", "failed", 120, 0.5, created=CREATED + 2, reason="out of memory at step 60", temp=0.2)
    fabricate(root, "run4", "running", 120, 0.25, created=CREATED + 3, temp=0.3)
    return root


def names(app):
    return [row["name"] for row in app.main.runs.rows]


def current(app):
    return app.main.runs.current["name"]


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_the_list_shows_state_in_words_progress_knn_and_what_differs(store, size):
    async with dashboard(store, size) as (app, _):
        lines = screen_lines(app)
        assert names(app) == ["run4", "run3", "run2", "run1"]
        at = next(index for index, line in enumerate(lines) if "● run4" in line)
        assert "25%" in lines[at] + lines[at + 1]
        at = next(index for index, line in enumerate(lines) if "✗ run3" in line)
        assert "out of memory at step 60" in lines[at + 1]
        assert any("✓ run1" in line and "0.5" in line for line in lines)
        heading = next(line for line in lines if "run  " in line and "kNN %" in line)
        assert "temp" in heading
        assert "bs" not in heading.split("kNN")[1][:20]
        assert "1" in lines[0]
        assert "● 1" in lines[0]
        assert "✗ 1" in lines[0]


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_status_line_and_footer_tell_of_the_run_under_the_cursor(store, size):
    async with dashboard(store, size) as (app, pilot):
        text, footer = screen_text(app), screen_lines(app)[-1]
        assert "epoch 1/6" in text
        assert size == NARROW or "step 30/120" in text
        assert "kNN" in text
        for words in ("s stop", "c clone", "space mark", "enter open", "z wide list", "? keys"):
            assert words in footer
        assert "= compare" not in footer, "only one run is chosen"
        if size == WIDE:
            assert "q quit" in footer
        await press(app, pilot, "down")
        assert "out of memory at step 60" in screen_text(app)


async def test_wide_shows_list_and_curves_beside_each_other(store):
    async with dashboard(store) as (app, _):
        text = screen_text(app)
        for words in ("run4", "loss NT-Xent", "kNN accuracy %", "contrastive top-1", "learning rate", "page 1 of 2"):
            assert words in text


async def test_narrow_shows_one_pane_at_a_time(store):
    async with dashboard(store, NARROW) as (app, pilot):
        assert "loss NT-Xent" not in screen_text(app)
        await press(app, pilot, "enter")
        assert "loss NT-Xent" in screen_text(app)
        assert "✓ run1" not in screen_text(app)
        await press(app, pilot, "escape")
        assert "✓ run1" in screen_text(app)
        await press(app, pilot, "4")
        assert "preset quick" in screen_text(app)
        assert "✓ run1" not in screen_text(app)


@pytest.mark.parametrize("size", [(40, 12), (20, 5), (1, 1), (19, 30), (200, 4), (400, 100)])
async def test_other_sizes_degrade_to_one_pane_or_a_sentence(store, size):
    async with dashboard(store, size) as (app, pilot):
        text = " ".join(screen_text(app).split())
        too_small = size[0] < 20 or size[1] < 5
        assert ("run4" in text) != too_small
        if too_small and size[0] > 10:
            assert "too small" in text
        await press(app, pilot, "enter", "2", "escape")


async def test_several_marked_runs_are_drawn_together_each_in_its_colour(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "down", "down", "space", "down", "space")
        assert app.main.runs_pane.marked == ("run2", "run1")
        panel = app.main.curves._curves.panels[0]
        assert [series.label for series in panel.series] == ["run2", "run1"]
        assert [series.colour for series in panel.series] == [run_colour("run2"), run_colour("run1")]
        assert "2 marked" in screen_text(app)
        await press(app, pilot, "space")
        assert app.main.runs_pane.marked == ("run2",)
        await press(app, pilot, "U")
        assert app.main.runs_pane.marked == ()
        assert [series.label for series in app.main.curves._curves.panels[0].series] == ["run1"]


async def test_curves_page_axis_log_scale_and_smoothing(store):
    async with dashboard(store) as (app, pilot):
        shown = [panel.key for panel in app.main.curves._curves.panels]
        await press(app, pilot, "right_square_bracket")
        assert not set(shown) & {panel.key for panel in app.main.curves._curves.panels}
        await press(app, pilot, "left_square_bracket")
        assert shown == [panel.key for panel in app.main.curves._curves.panels]
        assert max(app.main.curves._curves.panels[0].series[0].xs) == 30
        await press(app, pilot, "a")
        assert max(app.main.curves._curves.panels[0].series[0].xs) == 1.5
        await press(app, pilot, "a")
        assert app.main.curves._curves.panels[0].axis == "time"
        await press(app, pilot, "w")
        assert app.main.curves._curves.panels[0].series[0].raw
        await press(app, pilot, "l")
        assert "log scale" in screen_text(app)
        assert "smoothed over 2%" in screen_text(app)


async def test_filter_as_one_types_without_firing_keys_and_escape_leaves_it(store):
    async with dashboard(store) as (app, pilot):
        await write(app, pilot, "/state:finished")
        assert names(app) == ["run2", "run1"]
        assert app.screen is app.main
        assert "enter OK · → complete · esc clear" in screen_text(app)
        await press(app, pilot, "enter")
        assert "2 of 4 / state:finished" in screen_text(app)
        assert "esc clear" not in screen_text(app)
        await write(app, pilot, "/  temp<")
        assert "'temp<' is not a whole comparison" in screen_text(app)
        await press(app, pilot, "escape")
        assert names(app) == ["run4", "run3", "run2", "run1"]
        await write(app, pilot, "/nothing-like-it")
        await press(app, pilot, "down")
        assert "No runs match" in screen_text(app)
        await press(app, pilot, "escape")
        assert len(names(app)) == 4


async def test_the_cursor_stays_in_view_when_a_list_that_had_room_has_none(tmp_path):
    make_store(tmp_path / "runs", 200)
    async with dashboard(tmp_path / "runs") as (app, pilot):
        await until(pilot, lambda: len(app.main.runs.rows) == 200)
        await write(app, pilot, "/run11")
        await press(app, pilot, "enter", "end")
        await until(pilot, lambda: app.main.runs.current["name"] == "run11")
        await press(app, pilot, "escape")
        await until(pilot, lambda: len(app.main.runs.rows) == 200)
        await pilot.pause()
        assert app.main.runs.current["name"] == "run11"
        assert any(" run11 " in line for line in screen_lines(app)[:-2])


async def test_curves_come_back_after_a_filter_that_let_nothing_through(store):
    async with dashboard(store) as (app, pilot):
        await write(app, pilot, "/run1")
        for _ in range(4):
            await press(app, pilot, "backspace")
        await write(app, pilot, "zzz")
        assert "loss NT-Xent" not in screen_text(app)
        await press(app, pilot, "escape")
        assert "loss NT-Xent" in screen_text(app)
        assert "kNN" in screen_text(app)
        await press(app, pilot, "space")
        await write(app, pilot, "/zzz")
        assert "loss NT-Xent" in screen_text(app)


async def test_order_by_any_column_both_ways_and_the_cursor_stays_on_its_run(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "down")
        assert current(app) == "run3"
        await press(app, pilot, "o")
        await write(app, pilot, "temp")
        await press(app, pilot, "enter")
        assert names(app) == ["run2", "run3", "run4", "run1"]
        assert current(app) == "run3"
        assert "temp, lowest first" in screen_text(app)
        await press(app, pilot, "O")
        assert names(app) == ["run1", "run4", "run3", "run2"]
        await press(app, pilot, "o", "down", "escape")
        assert names(app) == ["run1", "run4", "run3", "run2"]


async def test_system_tab_shows_gpu_and_host(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "2")
        text = screen_text(app)
        for words in ("GPU memory GB", "GPU utilisation %", "GPU temperature °C", "GPU power W", "CPU", "RAM GB"):
            assert words in text


async def test_system_tab_without_gpu_shows_the_host(tmp_path):
    fabricate(tmp_path / "runs", gpu=False)
    async with dashboard(tmp_path / "runs") as (app, pilot):
        await press(app, pilot, "2")
        assert "no GPU here" in screen_text(app)
        assert "CPU, all cores %" in screen_text(app)


async def test_log_folds_carriage_returns_wraps_and_tells_what_happened(tmp_path):
    root = tmp_path / "runs"
    fabricate(root, log="first line\n10%\r50%\r100% done\n\x1b[31mred\x1b[0m\n" + "long " * 60 + "end\n")
    async with dashboard(root) as (app, pilot):
        await press(app, pilot, "3")
        text = screen_text(app)
        assert "first line" in text
        assert "100% done" in text
        assert "10%" not in text
        assert "│red" in text
        assert "end" in text
        assert "started: run1" in text


async def test_log_follows_what_is_written_until_one_scrolls_up(tmp_path):
    root = tmp_path / "runs"
    run = fabricate(root, log="".join(f"line {number}\n" for number in range(300)))
    async with dashboard(root) as (app, pilot):
        await press(app, pilot, "3", "enter")
        log = app.main.query_one(LogView)
        assert "started" in screen_text(app)
        await press(app, pilot, "home")
        assert "line 0" in screen_text(app)
        run.paths.attempt(1).log.open("a").write("a new line\n")
        await until(pilot, lambda: len(log._lines) > 303, what="the new line to be read")
        assert "line 0" in screen_text(app)
        await press(app, pilot, "f")
        await until(pilot, lambda: "a new line" in screen_text(app))


async def test_recipe_tab_tells_sources_and_differences_to_the_marked_run(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "down", "down", "space", "down", "4")
        text = screen_text(app)
        assert any(line.split()[-2:] == ["run1", "run2"] for line in (line.strip(" │") for line in screen_lines(app)))
        assert "preset quick" in text
        await press(app, pilot, "v")
        lines = [line[41:].strip(" │") for line in screen_lines(app)]
        assert any(line.startswith("≠ temp") and "0.5" in line and "0.1" in line and "flag" in line for line in lines)
        assert not any(line.startswith("bs") for line in lines)
        assert app.main.query_one(RecipeTab).only_differences


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_compare_screen_shows_differences_and_marks_the_better(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "equals_sign")
        assert app.screen is app.main
        await press(app, pilot, "down", "down", "space", "down", "space", "equals_sign")
        assert isinstance(app.screen, CompareScreen)
        await until(pilot, lambda: "Differences" in screen_text(app))
        text = screen_text(app)
        assert "run1" in text
        assert "run2" in text
        assert "temp" in text
        assert "★" in text
        await press(app, pilot, "a", "escape")
        assert app.screen is app.main


async def test_the_charts_of_a_comparison_have_the_cursor_the_zoom_and_the_smoothing_of_the_curves(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "down", "down", "space", "down", "space", "equals_sign")
        await until(pilot, lambda: "loss NT-Xent" in screen_text(app) and "kNN accuracy" in screen_text(app))
        charts = app.screen.curves
        await press(app, pilot, "comma", "less_than_sign")
        await until(
            pilot,
            lambda: charts.viewport.cursor is not None and f"at step {charts.viewport.cursor:.0f}" in screen_text(app),
        )
        histories = [Store(store).run(name).history() for name in ("run2", "run1")]
        await until(pilot, lambda: charts.chosen.cursor == charts.viewport.cursor)
        for series, history in zip(charts.chosen.series, histories, strict=True):
            points = history.points("loss")
            known = [value for step, value in zip(*points, strict=True) if step <= charts.viewport.cursor]
            assert series.at == pytest.approx(known[-1])
        await press(app, pilot, "plus", "w")
        await until(pilot, lambda: "zoomed" in screen_text(app) and "smoothed over 2%" in screen_text(app))
        await press(app, pilot, "F")
        await until(pilot, lambda: "Differences" not in screen_text(app))
        await press(app, pilot, "escape", "escape", "escape")
        assert app.screen is app.main


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_remove_asks_and_can_be_undone(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "end", "d")
        assert isinstance(app.screen, Confirm)
        assert "Delete run1?" in screen_text(app)
        await press(app, pilot, "enter")
        assert (store / "run1").exists()
        await press(app, pilot, "d", "y")
        await until(pilot, lambda: not (store / "run1").exists() and "run1" not in names(app))
        assert current(app) == "run2"
        await press(app, pilot, "u")
        await until(pilot, lambda: "run1" in names(app))
        assert Store(store).trash() == []


async def test_what_cannot_be_done_does_nothing_but_say_why(store):
    async with dashboard(store) as (app, pilot):
        assert current(app) == "run4"
        await press(app, pilot, "r", "d")
        assert app.screen is app.main
        await press(app, pilot, "end", "s", "k", "r")
        assert app.screen is app.main
        said = notices(app).splitlines()
        assert len(said) == 4, "every key but k, which moves"
        assert all(words.startswith("this run ") for words in said)


async def test_help_tells_every_key_and_the_palette_finds_actions(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "question_mark")
        assert isinstance(app.screen, Help)
        assert "resume" in screen_text(app)
        assert screen_text(app).index("space") < screen_text(app).index("Resume from"), "the list's keys come first"
        await write(app, pilot, "gpu memory")
        assert "Show GPU memory, load" in screen_text(app)
        assert "Resume from" not in screen_text(app)
        await press(app, pilot, "question_mark", "ctrl+p")
        await write(app, pilot, "run1")
        await until(pilot, lambda: "Go to this run" in screen_text(app))
        await press(app, pilot, "down", "enter")
        await until(pilot, lambda: current(app) == "run1")
        await press(app, pilot, "ctrl+p")
        await write(app, pilot, "compare")
        await until(pilot, lambda: "Compare the marked" in screen_text(app))
        await press(app, pilot, "escape")
        assert app.screen is app.main


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_help_explains_a_number_in_the_words_of_the_command(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "question_mark")
        await write(app, pilot, "unifo")
        assert "Wang & Isola, 2020" in screen_text(app)
        app.focused.value = ""
        await write(app, pilot, "KNN")
        shown = screen_text(app)
        assert "Wang & Isola" not in shown
        assert "kNN accuracy: do images of one class lie together in h?" in shown
        assert " a ? a   b b      training images have" in shown, "a drawing stays whole"
        assert "Evaluate the encoder" in shown, "its keys follow"
        app.focused.value = ""
        await write(app, pilot, "zzz")
        assert "no key is for 'zzz'" in screen_text(app)


async def test_new_and_clone_open_the_form(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "n")
        assert isinstance(app.screen, NewRun)
        await press(app, pilot, "escape", "c")
        assert isinstance(app.screen, NewRun)
        assert "Clone of run4" in screen_text(app)


async def test_everything_by_mouse(store):
    async with dashboard(store) as (app, pilot):
        await pilot.click("RunList", offset=(5, 5))
        await until(pilot, lambda: current(app) == "run2")
        await pilot.click("TabBar", offset=(24, 0))
        await until(pilot, lambda: app.main.tab == "log")


async def test_an_empty_store_says_what_to_do(tmp_path):
    async with dashboard(tmp_path / "nowhere") as (app, pilot):
        assert "n  start one from a form" in screen_text(app)
        assert "What you will see" in screen_text(app)
        assert not (tmp_path / "nowhere").exists()
        assert screen_lines(app)[-1].split()[:2] == ["n", "new"], "what a newcomer needs comes first"
        await press(app, pilot, "s", "r", "c", "d", "space", "equals_sign", "enter", "2", "3", "4")
        assert "What you will see" in screen_text(app)


async def test_a_damaged_run_is_listed_with_its_error(tmp_path):
    run = fabricate(tmp_path / "runs")
    run.paths.recipe.write_text("not toml [")
    async with dashboard(tmp_path / "runs") as (app, pilot):
        assert "run1" in screen_text(app)
        assert "damaged" in screen_text(app)
        await press(app, pilot, "4", "3", "2", "1")


async def test_quitting_tells_how_many_runs_go_on(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "q")
    assert app.return_value == "1 run is still going; simclr tui shows it again"


async def test_themes_light_and_dark_draw(store):
    async with dashboard(store) as (app, pilot):
        for theme in ("textual-light", "ansi-dark" if "ansi-dark" in app.available_themes else "textual-ansi", "nord"):
            app.theme = theme
            await pilot.pause()
            assert "loss NT-Xent" in screen_text(app)
