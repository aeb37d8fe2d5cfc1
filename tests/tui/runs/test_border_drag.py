"""The border between list and tabs is dragged with the mouse, and stays where it was left."""

from __future__ import annotations

import pytest
from textual.events import MouseDown, MouseMove, MouseUp

from simclr_tui.tui.view_state import read_layout
from tests.tui.driving import dashboard, press, screen_lines, until
from tests.tui.runs_fabric import fabricate


@pytest.fixture
def store(tmp_path):
    fabricate(tmp_path / "runs", "a-run-with-a-name-of-forty-characters-or-so", steps=40)
    return tmp_path / "runs"


async def drag(app, pilot, start, stop):
    await pilot.mouse_down(offset=(start, 10))
    await pilot._post_mouse_events([MouseMove], offset=(stop, 10))
    await pilot.mouse_up(offset=(stop, 10))
    await pilot.pause()


def width(app):
    return app.main.runs_pane.region.width


async def test_either_side_of_the_border_moves_it_and_the_name_gets_the_room(store):
    async with dashboard(store) as (app, pilot):
        assert width(app) == 40
        assert "…" in screen_lines(app)[3][:40]
        await drag(app, pilot, 39, 79)
        assert width(app) == 80
        assert "a-run-with-a-name-of-forty-characters-or-so" in screen_lines(app)[3]
        await drag(app, pilot, 80, 50)
        assert width(app) == 51
        assert read_layout(store).list_width == 51
        await press(app, pilot, "z")
        assert width(app) == 120, "alone it has the whole screen"
        await press(app, pilot, "z")
        assert width(app) == 51
    async with dashboard(store) as (app, pilot):
        assert width(app) == 51
        await drag(app, pilot, 50, 118)
        assert width(app) == 80, "the tabs keep forty cells"
        await drag(app, pilot, 79, 2)
        assert width(app) == 24
    async with dashboard(store, (80, 24)) as (app, _):
        assert width(app) == 80


async def test_a_drag_faster_than_the_screen_is_kept_as_it_ended(store):
    async with dashboard(store) as (app, pilot):
        main, at = app.main, {"widget": None, "x": 0, "y": 10, "delta_x": 0, "delta_y": 0, "button": 1}
        at |= {"shift": False, "meta": False, "ctrl": False}
        main.on_mouse_down(MouseDown(**at | {"screen_x": 39, "screen_y": 10}))
        main.on_mouse_move(MouseMove(**at | {"screen_x": 59, "screen_y": 10}))
        main.on_mouse_up(MouseUp(**at | {"screen_x": 59, "screen_y": 10}))
        assert main.view_state.layout.list_width == 60
        await until(pilot, lambda: width(app) == 60)


async def test_a_click_elsewhere_moves_nothing(store):
    async with dashboard(store) as (app, pilot):
        for start in (5, 38, 41, 90):
            await drag(app, pilot, start, start + 10)
            assert width(app) == 40
        assert read_layout(store).list_width == 0
