"""How quick the dashboard is: its first frame and its keys over many runs, and one chart."""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from textual.geometry import Region

from simclr_tui.bench.fabric import make_store
from simclr_tui.bench.timing import MILLISECONDS, seconds
from simclr_tui.catalog.catalog import Catalog
from simclr_tui.store.measured import Figure
from simclr_tui.tui.app import Dashboard
from simclr_tui.tui.plot import Chart
from simclr_tui.tui.snapshots import Panel, Series

_SIZE = (120, 36)
_KEYS = 200
_POINTS = 120  # of each line, as they come decimated: two a column
_PATIENCE = 60.0


def dashboard_figures(place: Path, runs: int, times: int) -> list[Figure]:
    """Every figure; works in the folder `place`. Each repetition is a process of its own."""
    store = make_store(place / "runs", runs)
    Catalog(store).rows()
    told = [_in_a_process(store.root, runs) for _ in range(times)]

    def figure(name: str, key: str, unit: str, goal: float) -> Figure:
        return Figure(name, unit, [one[key] for one in told], goal)

    return [
        figure(f"first frame, {runs:,} runs", "frame", "ms", 600),
        figure(f"all {runs:,} runs listed", "listed", "ms", 1000),
        figure(f"key p95, {runs:,} runs", "key", "ms", 50),
        figure("chart redraw, 4 series", "chart", "ms", 20),
        figure("peak memory", "memory", "MB", 150),
    ]


def _in_a_process(root: Path, runs: int) -> dict[str, float]:
    words = [sys.executable, "-m", "simclr_tui.bench.dashboard", str(root), str(runs), str(time.monotonic())]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


async def _measure(root: Path, runs: int, began: float) -> dict[str, float]:
    """`began` is monotonic time, which the processes of a machine share, before this one was started."""
    app = Dashboard(root)
    app.animation_level = "none"
    async with app.run_test(size=_SIZE) as pilot:
        await pilot.pause()
        frame = time.monotonic() - began
        deadline = time.monotonic() + _PATIENCE
        while len(app.main.runs.rows) < runs and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
        await pilot.pause()
        listed = time.monotonic() - began
        keys = [await _press(pilot) for _ in range(_KEYS)]
        chart = await _chart(app)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    p95 = statistics.quantiles(keys, n=20)[-1]
    times = {"frame": frame, "listed": listed, "key": p95, "chart": chart}
    return {name: value * MILLISECONDS for name, value in times.items()} | {"memory": peak}


async def _press(pilot: Any) -> float:
    began = time.perf_counter()
    await pilot.press("down")
    return time.perf_counter() - began


async def _chart(app: Dashboard) -> float:
    chart = Chart()
    chart.styles.width, chart.styles.height = 60, 16
    await app.screen.mount(chart)
    xs = tuple(float(x) for x in range(_POINTS))
    panels = [Panel("loss", "loss", tuple(_line(row, row + shift, xs) for row in range(4))) for shift in (0, 1)]
    chart.show(panels[0])
    while not chart.size.width:
        await asyncio.sleep(0.005)
    turn = itertools.cycle(panels)

    def redraw() -> None:
        chart.show(next(turn))  # other values each time: what is as it was is not drawn again
        chart.render_lines(Region(0, 0, *chart.size))

    return statistics.median(seconds(redraw, 9))


def _line(row: int, seed: int, xs: tuple[float, ...]) -> Series:
    colour = ("#3b8eea", "#e5883b", "#2fa866", "#d6568f")[row]
    return Series(str(row), colour, xs, tuple((x * 7 + seed) % 13 for x in xs))


if __name__ == "__main__":
    root, runs, began = sys.argv[1:]
    print(json.dumps(asyncio.run(_measure(Path(root), int(runs), float(began)))))
