"""Measure the dashboard's latency: first frame and keys over many runs, some of them training, and one chart."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import threading
from pathlib import Path

from textual.app import App
from textual.geometry import Region

from simclr_tui.bench.fabric import begin, grow, make_store
from simclr_tui.bench.terminal import Terminal
from simclr_tui.bench.timing import MILLISECONDS, seconds
from simclr_tui.catalog.catalog import Catalog
from simclr_tui.store.bench_report import Figure
from simclr_tui.store.store import Store
from simclr_tui.tui.charts.chart import Chart
from simclr_tui.tui.feed.messages import Panel, Series

_SIZE = (120, 36)
_KEYS = 100
_HOME = "\x1b[H"
_STREAMING = 8  # runs that write ten steps a second
_POINTS = 120  # per line, as after downsampling: two per column


def dashboard_figures(directory: Path, runs: int, times: int) -> list[Figure]:
    """Return every figure, working in the folder `directory`. Each repetition is a process in its own terminal."""
    store = make_store(directory / "runs", runs)
    streaming = min(_STREAMING, runs)
    for number in range(1, streaming + 1):
        begin(store.run(f"run{number}").paths)
    Catalog(store).rows()
    with _Writers(store, streaming):
        told = [_in_a_terminal(store.root, runs) for _ in range(times)]

    def figure(name: str, key: str, unit: str, *, goal: float) -> Figure:
        return Figure(name, unit, [one[key] for one in told], goal)

    return [
        figure(f"first frame, {runs:,} runs", "frame", "ms", goal=600),
        figure(f"all {runs:,} runs listed", "listed", "ms", goal=1000),
        figure(f"key to screen, {runs:,} runs, {streaming} training: median", "key", "ms", goal=50),
        figure("the same, 95th percentile", "late", "ms", goal=50),
        Figure("chart redraw, 4 series", "ms", [value * MILLISECONDS for value in asyncio.run(_chart(times))], 20),
        figure("peak memory", "memory", "MB", goal=150),
    ]


class _Writers(threading.Thread):
    """Write runs, in a thread, that a reader takes for training ones."""

    def __init__(self, store: Store, count: int) -> None:
        super().__init__(daemon=True)
        self._paths = [store.run(f"run{number}").paths for number in range(1, count + 1)]
        self._ended = threading.Event()

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        for step in itertools.count(1):
            for paths in self._paths:
                grow(paths, step)
            if self._ended.wait(0.1):
                return


def _in_a_terminal(root: Path, runs: int) -> dict[str, float]:
    with Terminal(["tui", "--runs", str(root)], *_SIZE) as terminal:
        frame = terminal.until("Runs")
        listed = frame + terminal.until(f"Runs {runs:,}")
        terminal.press(_HOME)  # the cursor starts on a run that trains, which may be the last
        terminal.quiet(1.0)
        keys = [_press(terminal, "j", f"run{number}") for number in range(runs - 1, max(1, runs - _KEYS), -1)]
        memory = terminal.peak_memory()
    times = {"frame": frame, "listed": listed, "key": statistics.median(keys), "late": _percentile(keys)}
    return {name: value * MILLISECONDS for name, value in times.items()} | {"memory": memory / 1e6}


def _press(terminal: Terminal, key: str, name: str) -> float:
    """Time each key until the screen shows the cursor on the next run, at the speed of a person typing."""
    terminal.quiet(0.05)
    terminal.press(key)
    return terminal.until(name)


def _percentile(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


async def _chart(times: int) -> list[float]:
    app: App[None] = App()
    async with app.run_test(size=_SIZE):
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
            chart.show(next(turn))  # new values each time: unchanged data is not redrawn
            chart.render_lines(Region(0, 0, *chart.size))

        return [statistics.median(seconds(redraw, 9)) for _ in range(times)]


def _line(row: int, seed: int, xs: tuple[float, ...]) -> Series:
    colour = ("#3b8eea", "#e5883b", "#2fa866", "#d6568f")[row]
    return Series(str(row), colour, xs, tuple((x * 7 + seed) % 13 for x in xs))
