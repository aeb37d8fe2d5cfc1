"""Text from outside is text: no markup, no control byte, no crash, on any screen."""

from __future__ import annotations

import tomllib
import unicodedata

import msgspec
import pytest
import tomli_w

from simclr_tui.errors import SimclrError
from simclr_tui.store.picture import Picture
from simclr_tui.store.task_replies import Neighbor, Neighbors, Point, Preview, Projection, ViewsShown
from simclr_tui.tui.images.requests import ImageRequest
from tests.tui.driving import WIDE, dashboard, press, screen_text, until, write
from tests.tui.runs_fabric import fabricate, write_metrics

PAYLOADS = [
    "[/",
    "[link=http://x]y",
    'a[b="',
    "[bold]loud[/bold]",
    "[@click=app.quit]x[/]",
    "\x1b[2J\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
    "\x9b31m\x9d0;x\x9c",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200f",
    "a\x00b\x7fc\x08\x0c",
    "{0} %s $(rm -rf) `id` \\u001b",
    "wide 漢字 👩‍👩‍👧 é" * 8,
    "x" * 5000,
    "\ud800 lone",
    "line one\nline two\rthree",
    "$primary [$error]x[/]",
]
_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def assert_clean(text):
    bad = {char for char in text if char != "\n" and (unicodedata.category(char) in ("Cc", "Cs") or char in _BIDI)}
    assert not bad, bad


def hostile_run(root, name, payload):
    """A run that has the payload wherever others can write it."""
    encodable = payload.encode("utf-8", "replace").decode()
    run = fabricate(
        root, name, "failed", 60, 0.5, note=encodable, tags=[encodable], log=f"{payload}\n\x1b[5m{payload}",
        reason=encodable, event=encodable,
    )  # fmt: skip
    write_metrics(run, 30, 50, 60, metric=f"00 {encodable}")
    state = msgspec.json.decode(run.paths.state.read_bytes())
    state |= {"activity": encodable, "flags": [encodable], "facts": {"gpu": encodable}}
    run.paths.state.write_bytes(msgspec.json.encode(state))
    recipe = tomllib.loads(run.paths.recipe.read_text())
    recipe["source"]["data"] = encodable
    run.paths.recipe.write_bytes(tomli_w.dumps(recipe).encode())


async def test_every_screen_shows_it_as_text(tmp_path):
    root = tmp_path / "a[b=[/"
    pairs = list(zip(PAYLOADS[::2], PAYLOADS[1::2], strict=True))
    for number, pair in enumerate(pairs):
        hostile_run(root, f"run{number}", " ".join(pair))
    async with dashboard(root) as (app, pilot):
        for tab in "34":
            await press(app, pilot, tab, "escape", "home")
            for _ in pairs:
                assert_clean(screen_text(app))
                await press(app, pilot, "down")
        await press(app, pilot, "2", "1", "home")
        for _ in pairs:
            await pilot.press("space", "down")
        for _ in range(5):
            await press(app, pilot, "right_square_bracket")
            assert_clean(screen_text(app))
        await press(app, pilot, "4", "v")
        assert_clean(screen_text(app))
        await press(app, pilot, "equals_sign")
        await until(pilot, lambda: "Results" in screen_text(app))
        assert_clean(screen_text(app))
        assert_clean(app.export_screenshot().replace("\r", ""))
        await press(app, pilot, "escape", "c", "escape", "d")
        assert_clean(screen_text(app))


@pytest.mark.parametrize("size", [WIDE, (80, 24)])
async def test_groups_columns_and_questions_show_it_as_text(tmp_path, size):
    for number, payload in enumerate(PAYLOADS[::2]):
        hostile_run(tmp_path, f"run{number}", payload)
    async with dashboard(tmp_path, size) as (app, pilot):
        await press(app, pilot, "g")
        await write(app, pilot, "tags")
        await press(app, pilot, "enter", "C")
        await write(app, pilot, "note tags flags reason ")
        await press(app, pilot, "enter")
        assert_clean(screen_text(app))
        for key in ("t", "N", "R", "x", "e"):
            await press(app, pilot, key)
            assert_clean(screen_text(app))
            await press(app, pilot, "escape")
        for payload in PAYLOADS:
            await press(app, pilot, "N")
            app.focused.value = payload[:200]
            await pilot.pause()
            assert_clean(screen_text(app))
            await press(app, pilot, "escape")


@pytest.mark.parametrize("size", [WIDE, (80, 24), (30, 8)])
async def test_views_neighbours_and_embedding_show_it_as_text(tmp_path, size):
    fabricate(tmp_path, steps=20)
    picture = Picture(4, 4, bytes(range(48)))
    async with dashboard(tmp_path, size) as (app, pilot):
        app.main.images.refresh = lambda: None  # the answers are given here
        for payload in PAYLOADS:
            found = Neighbors(picture, payload, 1, 1, [Neighbor(0, "train", payload, payload, 0.5, picture)])
            points = [Point(0.0, 1.0, payload, 3, payload), Point(1.0, 0.0, "", 4, "test")]
            await press(app, pilot, "5")
            app.main.images.show(ImageRequest("neighbors", payload, 1, payload), found)
            await pilot.pause()
            assert_clean(screen_text(app))
            app.main.images.show(None, Preview([ViewsShown(0, payload, picture, (picture, picture))]))
            await pilot.pause()
            assert_clean(screen_text(app))
            app.main.images.show(None, SimclrError(payload, payload))
            await pilot.pause()
            assert_clean(screen_text(app))
            await press(app, pilot, "6")
            app.main.images.show(None, Projection(points, (0.5, 0.2), [payload, ""], 2, 1), payload)
            await pilot.pause()
            assert_clean(screen_text(app))


@pytest.mark.parametrize("size", [WIDE, (40, 12)])
async def test_typing_it_into_every_input_is_only_text(tmp_path, size):
    fabricate(tmp_path, steps=20)
    async with dashboard(tmp_path, size) as (app, pilot):
        await press(app, pilot, "slash")
        for payload in PAYLOADS:
            app.focused.value = payload[:200]
            await pilot.pause()
            assert_clean(screen_text(app))
        await press(app, pilot, "escape", "n")
        for payload in PAYLOADS:
            for entry in list(app.screen.query("Input"))[:6]:
                entry.value = payload[:200]
            await pilot.pause()
            assert_clean(screen_text(app))
        await press(app, pilot, "ctrl+s")
        assert_clean(screen_text(app))


async def test_errors_and_notices_are_text(tmp_path):
    fabricate(tmp_path, steps=20)
    async with dashboard(tmp_path) as (app, pilot):
        for payload in PAYLOADS:
            app.tell(payload)
        await pilot.pause()
        assert_clean(screen_text(app))
