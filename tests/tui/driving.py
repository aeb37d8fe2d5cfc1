"""Helpers to drive the dashboard without a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from textual.app import App
from textual.keys import _character_to_key
from textual.pilot import Pilot

from simclr_tui.tui.app import Dashboard
from simclr_tui.tui.screenshot import settle

WIDE, NARROW = (120, 36), (80, 24)


@contextlib.asynccontextmanager
async def dashboard(root: Path, size: tuple[int, int] = WIDE) -> AsyncIterator[tuple[Dashboard, Pilot[str]]]:
    """The dashboard on `root`, with everything read that its first screen shows."""
    app = Dashboard(root)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot, app)
        yield app, pilot


async def press(app: Dashboard, pilot: Pilot[str], *keys: str) -> None:
    """Press keys and wait until what they ask for has been read and drawn."""
    for key in keys:
        await pilot.press(key)
        await settle(pilot, app)


async def write(app: Dashboard, pilot: Pilot[str], text: str) -> None:
    """Type a text into what has the focus."""
    for char in text:
        await pilot.press(_character_to_key(char))
    await settle(pilot, app)


async def until(pilot: Pilot[str], condition: Callable[[], Any], timeout: float = 90.0, what: str = "") -> Any:
    """Poll until the condition holds; its value."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"timed out waiting for {what or condition}\n{screen_text(pilot.app)}"
        await pilot.pause()
        await asyncio.sleep(0.02)
    return value


def screen_lines(app: App[str]) -> list[str]:
    """The characters on screen, line by line."""
    width, height = app.size
    with app._context():
        rendered = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).ljust(width) for strip in rendered[:height]]


def screen_text(app: App[str]) -> str:
    return "\n".join(screen_lines(app))


def notices(app: Dashboard) -> str:
    """All that was notified and not dismissed."""
    return "\n".join(str(notification.message) for notification in app._notifications)
