"""The log: search, follow, the line of a step; whatever was printed."""

from __future__ import annotations

import unicodedata

import pytest

from simclr_tui.tui.tabs.log_search import Matches, line_of_step
from simclr_tui.tui.tabs.log_view import LogView
from tests.tui.driving import NARROW, WIDE, dashboard, press, screen_lines, screen_text, until, write
from tests.tui.runs_fabric import fabricate
from tests.tui.test_hostile_text import PAYLOADS, assert_clean

LINES = ["training", "epoch 1/3  step 10/30", "Warning: slow disk", "kNN 20% after step 10", "epoch 2/3  step 20/30"]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW])


def test_the_line_of_a_step_is_the_last_one_before_it():
    assert line_of_step(LINES, 10) == 1
    assert line_of_step(LINES, 19) == 1
    assert line_of_step(LINES, 25) == 4
    assert line_of_step(LINES, 3) == 1, "the first that names a step, where none is before it"
    assert line_of_step(["nothing"], 3) is None
    assert line_of_step(["at step 1,200: saved", "step 99999999999999999999999 x", "stepped 4"], 1300) == 0


def test_matches_go_round_and_keep_their_place():
    found = Matches("STEP", ()).within(LINES)
    assert found.lines == (1, 3, 4)
    assert [found.next_to(None, 1), found.next_to(1, 1), found.next_to(4, 1), found.next_to(2, 1)] == [1, 3, 1, 3]
    assert [found.next_to(None, -1), found.next_to(1, -1), found.next_to(2, -1)] == [4, 4, 1]
    assert found.words_at(3).startswith("2 of 3 with 'STEP'")
    assert Matches("", ()).within(LINES).next_to(1, 1) is None
    assert "no line with 'zzz'" in Matches("zzz", ()).within(LINES).words_at(None)


@SIZES
async def test_search_marks_what_is_found_and_goes_on_both_ways(tmp_path, size):
    log = "".join(f"line {number} {'needle' if number % 100 == 50 else ''}\n" for number in range(400))
    fabricate(tmp_path, log=log)
    async with dashboard(tmp_path, size) as (app, pilot):
        await press(app, pilot, "3", "i")
        await write(app, pilot, "NEEdle")
        await press(app, pilot, "enter")
        view = app.main.query_one(LogView)
        assert app.focused is view
        assert "4 of 4 with 'NEEdle'" in screen_text(app)
        assert "line 350 needle" in screen_text(app)
        await press(app, pilot, "full_stop")
        assert "line 50 needle" in screen_text(app)
        assert "1 of 4" in screen_text(app)
        await press(app, pilot, "comma", "comma")
        assert "line 250 needle" in screen_text(app)
        assert not view.follow
        strip = next(strip for strip in map(view.render_line, range(view.size.height)) if "line 250" in strip.text)
        assert [text for text, style, _ in strip if style and style.reverse] == ["needle"]
        await press(app, pilot, "i", "escape")
        assert "i searches" in screen_text(app)


@SIZES
async def test_no_key_goes_astray_while_one_types_what_to_search_for(tmp_path, size):
    fabricate(tmp_path, log="training\n")
    async with dashboard(tmp_path, size) as (app, pilot):
        left = app.main.view_state.layout
        await press(app, pilot, "3", "i")
        await write(app, pilot, "q1fdsu,.[]/?=n0")
        assert app.focused.value == "q1fdsu,.[]/?=n0"
        assert app.main.tab == "log"
        assert app.screen is app.main
        assert app.main.view_state.layout.axis == left.axis
        assert "no line with" in screen_text(app)


async def test_a_line_that_comes_is_searched_and_does_not_move_what_one_reads(tmp_path):
    run = fabricate(tmp_path, log="".join(f"line {number}\n" for number in range(200)))
    async with dashboard(tmp_path) as (app, pilot):
        await press(app, pilot, "3", "i")
        await write(app, pilot, "line 20")
        await press(app, pilot, "enter", "comma")
        offset = app.main.query_one(LogView).scroll_offset.y
        with run.paths.attempt(1).log.open("a") as file:
            file.write("line 2000\n")
        await until(pilot, lambda: "of 2 with" in screen_text(app))
        assert app.main.query_one(LogView).scroll_offset.y == offset
        await press(app, pilot, "f")
        await until(pilot, lambda: "line 2000" in screen_text(app))
        assert "following the end" in screen_text(app)


async def test_hostile_lines_and_hostile_searches_are_text(tmp_path):
    lines = (f"before\n{payload}\n10%\r50%\r{payload}\n\x1b[1mbold\x1b[0m after\n" for payload in PAYLOADS)
    fabricate(tmp_path, log="".join(lines), metric="x")
    async with dashboard(tmp_path) as (app, pilot):
        for tab in "31":
            await press(app, pilot, tab, "i")
            for payload in PAYLOADS:
                app.focused.value = payload[:80]
                await pilot.pause()
                assert_clean(screen_text(app))
                assert not any(unicodedata.category(char) == "Cc" for line in screen_lines(app) for char in line)
            await press(app, pilot, "enter", "full_stop")
            assert_clean(screen_text(app))
