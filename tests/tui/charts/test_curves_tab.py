"""What every key and the wheel do to the charts, wide and narrow."""

from __future__ import annotations

import math

import pytest
from rich.text import Text

from simclr_tui.display.colours import run_colour
from simclr_tui.store.metrics.writer import MetricWriter
from simclr_tui.tui.charts.chart import Chart
from simclr_tui.tui.charts.chart_grid import caption
from simclr_tui.tui.charts.chart_tab import ChartTab, note_lines, wrapped
from simclr_tui.tui.feed.messages import Panel, Series
from simclr_tui.tui.feed.metric_view import HOST_MEMORY, RAM_OF_EACH_RUN, short_heading_of
from simclr_tui.tui.feed.window import Window
from simclr_tui.tui.tabs.log_view import LogView
from tests.tui.driving import NARROW, WIDE, dashboard, notices, press, screen_lines, screen_text, until, write
from tests.tui.runs_fabric import CREATED, fabricate, write_metrics

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW])


def printed(steps):
    return "".join(f"epoch {step // 20}/6  step {step}/120  loss 5.0\n" for step in range(20, steps + 1, 20))


@pytest.fixture
def store(tmp_path):
    root = tmp_path / "runs"
    fabricate(root, "run1", created=CREATED, temp=0.5, steps=120, log=printed(120))
    fabricate(root, "run2", created=CREATED + 1, temp=0.1, steps=120, log=printed(120))
    return root


def panels(app):
    return app.main.tabs_pane.chart_tab._panels


def keys_of(app):
    return [panel.key for panel in panels(app)]


def values(app, key="loss"):
    """The value of each run that a caption shows of a metric."""
    panel = next(panel for panel in panels(app) if panel.key == key)
    return [series.at for series in panel.series]


@SIZES
async def test_the_cursor_reads_values_in_every_chart_at_once(store, size):
    from simclr_tui.store.metrics.history import History
    from simclr_tui.store.store import Store

    histories = []
    for name in ("run2", "run1"):
        histories.append(History(Store(store).run(name).paths))
        histories[-1].poll()
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "space", "down", "space", "enter", "comma")
        view = app.main.curves
        assert view.viewport.cursor == 120.0, "it appears at the newest point"
        await press(app, pilot, "less_than_sign", "comma", "full_stop", "comma")
        assert 0 < view.viewport.cursor < 120
        for key in ("loss", "knn", "images_per_s"):
            expected = []
            for history in histories:
                steps, logged = history.points(key)
                known = [value for step, value in zip(steps, logged, strict=True) if step <= view.viewport.cursor]
                expected.append(known[-1] * (100 if key == "knn" else 1))
            assert values(app, key) == pytest.approx(expected), key
        assert f"at step {view.viewport.cursor:.0f}" in screen_text(app)
        assert f"{values(app)[0]:.4g}" in screen_text(app)
        assert screen_text(app).count("│") > 20
        await press(app, pilot, "escape")
        assert view.viewport.cursor is None
        assert values(app) == [None, None]
        assert app.main.curves.has_focus


@SIZES
async def test_arrows_move_the_cursor_where_the_charts_have_the_keys(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "enter", "left", "left")
        assert app.main.curves.has_focus
        first = app.main.curves.viewport.cursor
        await press(app, pilot, "right")
        assert app.main.curves.viewport.cursor > first
        before = app.main.curves.chosen.key
        await press(app, pilot, "down")
        assert app.main.curves.chosen.key != before
        await press(app, pilot, "up")
        assert app.main.curves.chosen.key == before


@SIZES
async def test_zoom_pan_and_follow(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "enter", "plus")
        assert {panel.span for panel in panels(app)} == {(60.0, 120.0)}
        assert "zoomed, following the end" in screen_text(app)
        inside = [x for x in panels(app)[0].series[0].xs if x >= 60]
        assert len(inside) == 61
        await press(app, pilot, "shift+left")
        assert panels(app)[0].span == (45.0, 105.0)
        assert "0 shows all" in screen_text(app)
        await press(app, pilot, "shift+up")
        assert panels(app)[0].span == (60.0, 90.0)
        await press(app, pilot, "shift+right", "shift+right", "shift+right", "shift+right", "shift+right")
        assert app.main.curves.viewport.window == Window(30.0)
        await press(app, pilot, "f")
        assert app.main.curves.viewport.window == Window(30.0, 120.0), "f holds what is shown"
        await press(app, pilot, "f")
        assert app.main.curves.viewport.window.following
        await press(app, pilot, "minus", "comma", "0")
        assert app.main.curves.viewport.window == Window()
        assert app.main.curves.viewport.cursor is None


async def test_a_zoomed_chart_follows_the_live_end(tmp_path):
    run = fabricate(tmp_path / "runs", "run1", "running", 400, 0.25)
    async with dashboard(tmp_path / "runs") as (app, pilot):
        await press(app, pilot, "plus", "plus")
        assert panels(app)[0].span == (75.0, 100.0)
        write_metrics(run, 100, 160, 400)
        await until(pilot, lambda: panels(app)[0].span == (135.0, 160.0))
        await press(app, pilot, "f")
        write_metrics(run, 160, 200, 400)
        await until(pilot, lambda: app.main.curves.viewport.extent == (0.0, 200.0))
        assert panels(app)[0].span == (135.0, 160.0)


@SIZES
async def test_a_chart_gets_the_whole_screen_and_gives_it_back(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "enter", "down", "enter")
        assert keys_of(app) == ["knn"]
        chart = next(chart for chart in app.main.curves.query(Chart) if chart.size.width)
        assert chart.size.width > size[0] - 8
        await press(app, pilot, "right_square_bracket")
        assert keys_of(app) == ["images_per_s"]
        await press(app, pilot, "escape")
        assert "images_per_s" in keys_of(app)
        assert len(keys_of(app)) > 1
        assert not app.main.has_class("-full")
        await press(app, pilot, "F", "F", "F", "3")
        assert not app.main.has_class("-full")
        assert app.main.tab == "log"


@SIZES
async def test_rows_and_columns_are_chosen(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "enter")
        fitting = app.main.curves.panels.shape
        await press(app, pilot, "right_parenthesis", "left_curly_bracket")
        assert app.main.curves.panels.shape == (fitting[0] + 1, fitting[1] - 1)
        assert len(panels(app)) == min(7, (fitting[0] + 1) * (fitting[1] - 1))
        await press(app, pilot, *["left_parenthesis"] * 5, *["left_curly_bracket"] * 5)
        assert app.main.curves.panels.shape == (1, 1)
        assert keys_of(app) == ["loss"]
        await press(app, pilot, *["right_curly_bracket"] * 9)
        assert app.main.curves.panels.shape[1] <= 6
        assert all(chart.size.height >= 3 for chart in app.main.curves.query(Chart) if chart.size.width)
        await press(app, pilot, "vertical_line")
        assert app.main.curves.panels.shape == fitting


@SIZES
async def test_metrics_are_filtered_as_one_types_and_no_key_goes_astray(store, size):
    async with dashboard(store, size) as (app, pilot):
        before = app.main.view_state.layout
        await press(app, pilot, "i")
        await write(app, pilot, "loss knn -lr .,[](){}+-0fFlLawyiq")
        assert app.is_running
        assert app.main.view_state.layout == before
        assert app.main.curves.viewport.cursor is None
        entry = app.main.curves.query_one("#metric-filter")
        assert app.focused is entry
        assert entry.value == "loss knn -lr .,[](){}+-0fFlLawyiq"
        entry.value = "lo?? kn*"
        await press(app, pilot, "enter")
        assert keys_of(app) == ["loss", "knn"]
        assert "5 not shown" in screen_text(app)
        assert not entry.display
        await press(app, pilot, "i", "down")
        assert app.main.curves.has_focus
        await press(app, pilot, "i")
        entry.value = "zzz q*x"
        await press(app, pilot, "enter")
        assert "no metric matches 'zzz q*x'" in screen_text(app)
        assert keys_of(app) == []
        await press(app, pilot, "i", "escape")
        assert len(keys_of(app)) > 2


async def test_axes_are_steps_epochs_time_of_training_and_the_clock(store):
    async with dashboard(store) as (app, pilot):
        found = {}
        for _ in range(4):
            found[panels(app)[0].axis] = panels(app)[0].span
            await press(app, pilot, "a")
        assert found["step"] == (0.0, 120.0)
        assert found["epoch"] == (0.0, 6.0)
        assert found["time"] == (0.0, 12.0)
        low, high = found["wall"]
        assert high - low == pytest.approx(12.0)
        assert low > CREATED
        await press(app, pilot, "comma", "plus", "a")
        assert app.main.curves.viewport.cursor is None, "a place on one axis is none on another"
        assert app.main.curves.viewport.window == Window()


@SIZES
async def test_clipping_keeps_a_spike_from_flattening_the_rest(tmp_path, size):
    run = fabricate(tmp_path / "runs", steps=200)
    writer = MetricWriter(run.paths.attempt(1))
    writer.write(201, 10.05, 20.1, values={"loss": 1e6})
    writer.close()
    async with dashboard(tmp_path / "runs", size) as (app, pilot):
        await press(app, pilot, "enter")

        def labels():
            chart = next(iter(app.main.curves.query(Chart)))
            return " ".join(chart._drawing.y_labels.values())

        assert "000,000" in labels() or "500,000" in labels()
        await press(app, pilot, "y")
        assert "000" not in labels()


async def test_gaps_and_metrics_without_points_are_shown_as_such(tmp_path):
    root = tmp_path / "runs"
    run = fabricate(root, "run1", steps=20)
    fabricate(root, "run2", steps=20, created=CREATED - 1)
    writer = MetricWriter(run.paths.attempt(1))
    for step in range(21, 60):
        writer.write(
            step, step / 20, step / 10, values={"loss": math.nan if 30 < step < 50 else 5.0, "empty": math.nan}
        )
    writer.close()
    async with dashboard(root) as (app, pilot):
        await press(app, pilot, "i")
        await write(app, pilot, "empty")
        await press(app, pilot, "enter")
        assert "no data yet" in screen_text(app)
        await press(app, pilot, "i", "escape")
        ys = panels(app)[0].series[0].ys
        assert sum(map(math.isnan, ys)) == 19
        await press(app, pilot, "l")
        assert "loss NT-Xent" in screen_text(app)


@SIZES
async def test_overlaid_runs_are_told_apart_without_colour(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "space", "down", "space", "enter")
        assert "a run2  b run1" in screen_text(app)
        chart = next(iter(app.main.curves.query(Chart)))
        signs = [char for row in range(chart._drawing.canvas.height) for char, _ in chart._drawing.canvas.row(row)]
        assert signs.count("a") >= 1
        assert signs.count("b") >= 1
        assert "★" in signs


async def test_the_best_value_stands_in_the_caption_whatever_is_zoomed(store):
    async with dashboard(store) as (app, pilot):
        best = panels(app)[0].series[0].best
        assert f"★{best[1]:.4g}" in screen_text(app)
        await press(app, pilot, "plus", "plus", "f", "shift+left", "shift+left")
        assert panels(app)[0].series[0].best[1] == best[1]


@SIZES
async def test_the_log_of_the_moment_under_the_cursor(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "enter", "L")
        assert "put the cursor on a moment first" in notices(app)
        await press(app, pilot, "comma", "greater_than_sign", "L")
        assert app.main.tab == "log", "at the end, where the cursor could not move"
        await press(app, pilot, "1")
        app.main.curves.viewport.point(67)
        await press(app, pilot, "L")
        assert app.main.tab == "log"
        log = app.main.query_one(LogView)
        assert "step 60/120" in log._lines[log._here][0]
        assert "step 60/120" in screen_text(app)
        assert not log.follow


@SIZES
async def test_the_system_tab_has_the_same_cursor_zoom_and_pages(tmp_path, size):
    fabricate(tmp_path / "runs", steps=240)
    async with dashboard(tmp_path / "runs", size) as (app, pilot):
        await press(app, pilot, "2", "comma", "less_than_sign")
        view = app.main.tabs_pane.chart_tab
        assert "of training" in screen_text(app)
        assert view.viewport.cursor < view.viewport.extent[1]
        memory = next(panel for panel in panels(app) if panel.heading == "GPU memory GB")
        assert [series.label for series in memory.series] == ["device", "run"]
        assert memory.series[1].at == pytest.approx(60.0)
        await press(app, pilot, "plus")
        assert panels(app)[0].span[1] - panels(app)[0].span[0] == pytest.approx(view.viewport.extent[1] / 2)
        seen = set()
        for _ in range(view.pages()):
            seen |= {panel.heading for panel in panels(app)}
            await press(app, pilot, "right_square_bracket")
        assert {"GPU utilisation %", "GPU temperature °C", "GPU power W", "RAM GB", "waiting for data %"} <= seen
        await press(app, pilot, "0", "F")
        assert len(panels(app)) == 1
        await press(app, pilot, "escape")
        assert len(panels(app)) > 1


async def test_the_wheel_zooms_about_the_mouse_and_pans_with_shift(store):
    async with dashboard(store) as (app, pilot):
        chart = next(iter(app.main.curves.query(Chart)))
        await pilot.click(chart, offset=(chart.size.width // 2, 3))
        await until(pilot, lambda: app.main.curves.viewport.cursor is not None)
        assert 40 < app.main.curves.viewport.cursor < 80
        await pilot._post_mouse_events([_scroll("Up")], widget=chart, offset=(chart.size.width // 2, 3), button=0)
        await until(pilot, lambda: panels(app)[0].span != (0.0, 120.0))
        low, high = panels(app)[0].span
        assert high - low == pytest.approx(80.0)
        assert low > 10
        await pilot._post_mouse_events(
            [_scroll("Up")], widget=chart, offset=(chart.size.width // 2, 3), button=0, shift=True
        )
        await until(pilot, lambda: panels(app)[0].span[0] < low)
        assert panels(app)[0].span[1] - panels(app)[0].span[0] == pytest.approx(80.0)


def _scroll(direction):
    from textual import events

    return getattr(events, f"MouseScroll{direction}")


@pytest.mark.parametrize("size", [(40, 12), (20, 5)])
async def test_one_chart_at_a_time_where_there_is_room_for_one(store, size):
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "enter", "comma", "plus", "F", "F", "right_parenthesis", "2", "3", "1")
        assert len(panels(app)) >= 1
        assert screen_lines(app)


async def test_a_colour_is_of_its_run_in_every_chart(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "space", "down", "space")
        for panel in panels(app):
            assert [series.colour for series in panel.series] == [run_colour("run2"), run_colour("run1")]
        assert all(isinstance(view, ChartTab) for view in app.main.query(ChartTab))


async def test_moving_the_cursor_draws_no_line_again(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "comma")
        drawn = []
        for chart in app.main.curves.query(Chart):
            original = chart._draw
            chart._draw = lambda *args, original=original: drawn.append(1) or original(*args)
        await press(app, pilot, "comma", "comma", "full_stop")
        assert drawn == []
        await press(app, pilot, "plus")
        assert drawn, "another stretch of x is drawn anew"


async def test_no_list_is_filtered_while_one_chart_has_the_screen(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "F", "slash")
        assert app.focused is app.main.curves
        await press(app, pilot, "escape", "slash")
        assert app.focused.id == "filter"


async def test_many_runs_share_the_budget_of_a_turn(store, monkeypatch):
    from simclr_tui.tui.feed import feed
    from simclr_tui.tui.feed.curve_reader import CurveReader

    asked = []
    monkeypatch.setattr(feed, "_LEAST", 10)
    original = CurveReader.poll
    monkeypatch.setattr(CurveReader, "poll", lambda self, budget: asked.append(budget) or original(self, budget))
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "space", "down", "space")
        assert set(asked) == {feed.BUDGET, feed.BUDGET // 2}


async def test_a_long_average_is_read_in_turns_and_comes_to_its_end(store, monkeypatch):
    from simclr_tui.tui.feed import curve_reader

    monkeypatch.setattr(curve_reader, "_AVERAGED", 7)
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "w")
        series = panels(app)[0].series[0]
        assert len(series.ys) == len(series.raw) == 120
        assert series.xs == series.raw_xs


@SIZES
async def test_a_run_without_a_metric_is_named_all_the_same(store, size):
    run = fabricate(store, "run3", steps=20, created=CREATED + 2, metric="only here")
    async with dashboard(store, size) as (app, pilot):
        await press(app, pilot, "space", "down", "space", "enter", "i")
        await write(app, pilot, "only")
        await press(app, pilot, "enter")
        (panel,) = panels(app)
        assert [bool(series.xs) for series in panel.series] == [True, False]
        assert f"a {run.name}" in screen_text(app)
        assert "b run2 –" in screen_text(app)


def test_a_legend_wraps_between_runs_and_counts_those_without_room():
    parts = [Text(f"{sign} run{sign * 5}  ") for sign in "abcdefgh"]
    lines = wrapped(parts, Text("by step"), width=26, most=3)
    assert [line.plain.rstrip() for line in lines] == [
        "a runaaaaa  b runbbbbb", "c runccccc  d runddddd", "e runeeeee  +3 more  by step"
    ]  # fmt: skip
    lines = wrapped(parts[:2], Text("by step"), width=40, most=3)
    assert [line.plain for line in lines] == ["a runaaaaa  b runbbbbb  by step"]
    assert [line.plain for line in wrapped([], Text("page 1 of 2 · by step"), width=10, most=3)] == [
        "page 1 of 2 · by step"
    ]


def test_notes_break_between_two_and_hints_beyond_the_first_only_fill_a_line():
    notes, hints = ["page 1 of 2 [ ]", "by step"], ["arrows read values", "+ and - zoom"]
    assert note_lines(notes, hints, 80) == ["page 1 of 2 [ ] · by step · arrows read values · + and - zoom"]
    assert note_lines(notes, hints, 30) == ["page 1 of 2 [ ] · by step", "arrows read values"]
    assert note_lines(notes, (), 20) == ["page 1 of 2 [ ]", "by step"]
    assert note_lines(["no data yet"], (), 5) == ["no data yet"]


def test_a_title_without_room_is_the_short_one_with_its_unit():
    assert short_heading_of("knn_balanced", "balanced kNN accuracy %") == "bal. kNN %"
    assert short_heading_of("loss", "loss NT-Xent") == "loss"
    assert short_heading_of("my_metric", "my_metric") == "my_metric"


@pytest.mark.parametrize(
    ("width", "wanted"),
    [
        (60, "RAM of each run GB  a 0.253  b 0.25  c 0.251  d 0.257"),
        (42, "RAM GB  a 0.253  b 0.25  c 0.251  d 0.257"),
        (41, "RAM GB  a 0.253  b 0.25  c 0.251  d 0.257"),
        (40, "RAM GB  a 0.253  b 0.25  c 0.251  +1"),
        (28, "RAM GB  a 0.253  b 0.25  +2"),
        (20, "RAM GB  a 0.253  +3"),
        (6, "RAM G…"),
    ],
)
def test_a_caption_shortens_its_title_before_it_leaves_a_line_out_and_counts_those(width, wanted):
    figures = zip("abcd", (0.253, 0.25, 0.251, 0.257), strict=True)
    lines = tuple(Series(f"a-long-name-{end}", "red", (0.0,), (y,), last=y) for end, y in figures)
    assert caption(Panel(HOST_MEMORY, RAM_OF_EACH_RUN, lines), width).plain == wanted


async def test_the_names_of_nine_marked_runs_stand_above_their_charts(tmp_path):
    names = [f"run-with-a-long-name-{number}" for number in range(9)]
    for number, name in enumerate(names):
        fabricate(tmp_path / "runs", name, created=CREATED + number, steps=40)
    async with dashboard(tmp_path / "runs") as (app, pilot):
        charts = app.main.curves.charts
        await press(app, pilot, *["space", "j"] * 9)
        shown = [line[40:] for line in screen_lines(app)[6:9]]
        assert sum(name in line for name in names for line in shown) >= 8
        assert app.main.curves.charts <= charts
        assert len(panels(app)) == app.main.curves.charts, "the page has as many charts as now fit"
        await press(app, pilot, "U")
        assert app.main.curves.charts == charts
        assert "loss NT-Xent" in screen_lines(app)[7]
