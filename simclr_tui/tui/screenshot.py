"""Write one frame of the dashboard as an SVG, without a terminal."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from simclr_tui.atomic import write_file
from simclr_tui.config import Config
from simclr_tui.errors import SimclrError
from simclr_tui.tui.app import DEFAULTS, Dashboard

if TYPE_CHECKING:
    from textual.pilot import Pilot

SCREENS = {
    "main": [],
    "new": ["n"],
    "compare": ["space", "down", "space", "equals_sign"],
    "help": ["question_mark"],
    "system": ["2"],
    "log": ["3"],
    "recipe": ["4"],
    "views": ["5"],
    "embedding": ["6"],
}
_PATIENCE = 30.0  # seconds to wait for the store to be read


def snapshot(
    root: Path, target: Path, size: tuple[int, int], *, screen: str = "main", keys: list[str] | None = None,
    config: Config = DEFAULTS, readonly: bool = False,
) -> None:  # fmt: skip
    """Write the frame on screen after `keys` were pressed on `screen`. Raises SimclrError or OSError."""
    if screen not in SCREENS:
        raise SimclrError(f"no screen {screen!r}", f"screens are {', '.join(SCREENS)}")
    app = Dashboard(root, config, readonly, remember=False)  # the same picture of the same store
    svg = asyncio.run(_frame(app, size, [*SCREENS[screen], *(keys or [])]))
    write_file(target, svg.encode(), durable=False)


async def _frame(app: Dashboard, size: tuple[int, int], keys: list[str]) -> str:
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        await settle(pilot, app)
        for key in keys:
            await pilot.press(key)
            await settle(pilot, app)
        return app.export_screenshot(title="simclr")


async def settle(pilot: Pilot[str], app: Dashboard) -> None:
    """Wait until everything that is on screen has been read and drawn."""
    deadline = time.monotonic() + _PATIENCE
    quiet = 0  # a key's request may be sent only after the next frame
    while quiet < 2 and time.monotonic() < deadline and app.feed.is_alive():
        await pilot.pause()
        read = app.settled >= max(1, app.feed.asked)
        quiet = quiet + 1 if read and all(worker.is_finished for worker in app.workers) else 0
        if not quiet:
            await asyncio.sleep(0.02)
