"""How the dashboard was left is found again, whatever happened to the file."""

from __future__ import annotations

import json

import msgspec
import pytest

from simclr_tui.paths import LAYOUT
from simclr_tui.tui.view_state import Layout, read_layout, write_layout
from tests.tui.driving import dashboard, press, screen_text
from tests.tui.runs_fabric import fabricate

LEFT = Layout("system", 2, 3, "time", True, 0.15, True)


def test_what_was_left_is_found_and_what_others_keep_there_stays(tmp_path):
    assert read_layout(tmp_path) == Layout()
    (tmp_path / LAYOUT).write_text('{"other_columns": ["bs", "temp"], "axis": "epoch"}')
    write_layout(tmp_path, lambda: LEFT)
    assert read_layout(tmp_path) == LEFT
    assert json.loads((tmp_path / LAYOUT).read_text())["other_columns"] == ["bs", "temp"]
    assert [file.name for file in tmp_path.iterdir()] == [LAYOUT], "no temporary file is left"


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 5000, b'{"rows": 1e999}', b'{"axis": "\x00"}']
)
def test_a_damaged_file_is_as_none_and_is_written_anew(tmp_path, damage):
    (tmp_path / LAYOUT).write_bytes(damage)
    assert read_layout(tmp_path) == Layout()
    write_layout(tmp_path, lambda: LEFT)
    assert read_layout(tmp_path) == LEFT


def test_a_field_that_cannot_be_read_does_not_take_the_others_along(tmp_path):
    (tmp_path / LAYOUT).write_text('{"rows": 99, "columns": 2, "axis": "sideways", "smoothing": "much", "log": true}')
    assert read_layout(tmp_path) == Layout(columns=2, log=True)


def test_a_store_that_cannot_be_written_is_no_error(tmp_path):
    write_layout(tmp_path / "nowhere", lambda: LEFT)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / LAYOUT).mkdir()
    write_layout(tmp_path / "runs", lambda: LEFT)
    assert read_layout(tmp_path / "runs") == Layout()


async def test_the_dashboard_comes_back_as_it_was_left(tmp_path):
    root = tmp_path / "runs"
    fabricate(root, steps=60)
    async with dashboard(root) as (app, pilot):
        await press(app, pilot, "a", "l", "w", "y", "right_parenthesis", "left_curly_bracket", "2")
        left = app.main.view_state.layout
        assert left != Layout()
        assert read_layout(root) == left
    async with dashboard(root) as (app, pilot):
        assert app.main.view_state.layout == left
        assert app.main.tab == "system"
        await press(app, pilot, "1")
        assert "by epoch · log scale · smoothed over 2% · outliers clipped" in " ".join(screen_text(app).split())
        assert app.main.curves.panels.shape == (left.columns, left.rows)


async def test_a_dashboard_that_only_looks_leaves_nothing(tmp_path):
    fabricate(tmp_path, steps=20)
    async with dashboard(tmp_path) as (app, pilot):
        app.main._remember = False
        await press(app, pilot, "a", "l")
        assert app.main.view_state.layout == msgspec.structs.replace(Layout(), axis="epoch", log=True)
    assert not (tmp_path / LAYOUT).exists()
