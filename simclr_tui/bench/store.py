"""Measure how fast the control plane is: the metric log, a long history, and a store of many runs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from simclr_tui.bench.fabric import FIVE, make_metrics, make_store
from simclr_tui.bench.peers import listings
from simclr_tui.bench.timing import MICROSECONDS, MILLISECONDS, command_seconds, scaled, seconds
from simclr_tui.catalog.catalog import Catalog
from simclr_tui.launch.catalog_updates import update_catalog
from simclr_tui.paths import RunPaths
from simclr_tui.store.bench_report import Figure
from simclr_tui.store.metrics.downsample import decimate
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.outline import Outline, write_outline
from simclr_tui.store.metrics.writer import MetricWriter
from simclr_tui.store.store import Store

_CALLS = 20_000  # calls of the logger, timed together
_FIRST = 12_000_000  # bytes that the dashboard reads before its first frame
_COLUMNS = 120
_TICK = 50  # new lines per tick


def store_figures(directory: Path, runs: int, steps: int, *, times: int) -> list[Figure]:
    """Return every figure, working in the folder `directory` and leaving its files there."""
    return [
        *_logging(directory / "logged", times),
        *_history(RunPaths(directory / "long"), steps, times),
        Figure("simclr --help", "ms", scaled(command_seconds(["--help"], times), MILLISECONDS), 120),
        *_many_runs(directory / "runs", runs, times),
        *listings(directory / "peers", runs, times),
    ]


def _logging(directory: Path, times: int) -> list[Figure]:
    attempt = RunPaths(directory).attempt(1)
    attempt.root.mkdir(parents=True)
    writer = MetricWriter(attempt)
    values = dict.fromkeys(FIVE, 0.123456)

    def log() -> None:
        for step in range(_CALLS):
            writer.write(step, step / 390, step / 10, values=values)

    taken = seconds(log, times)
    writer.close()
    return [Figure("log five scalars", "µs", scaled(taken, MICROSECONDS / _CALLS), 10)]


def _history(paths: RunPaths, steps: int, times: int) -> list[Figure]:
    paths.root.mkdir(parents=True)
    make_metrics(paths, steps)
    history = History(paths)

    def begin() -> None:
        nonlocal history
        history = History(paths)

    def draw() -> None:
        for metric in FIVE[:4]:
            decimate(history, metric, _COLUMNS)

    def first() -> None:
        history.poll(_FIRST)
        draw()

    def whole() -> None:
        while history.poll(_FIRST):
            pass

    def again() -> None:
        outline = Outline(paths)
        if not outline.open(_FIRST) or outline.history is None:
            raise AssertionError("the outline of a log that has not changed does not hold")
        for metric in outline.history.columns:
            decimate(outline.history, metric, _COLUMNS)

    def grow() -> None:
        lines = paths.attempt(1).metrics.read_bytes()[-20_000:].splitlines(keepends=True)[-_TICK:]
        with paths.attempt(1).metrics.open("ab") as file:
            file.writelines(lines)

    def tick() -> None:
        history.poll(_FIRST)
        draw()

    said = f"history of {steps:,} steps"
    begun = Figure(f"{said}: first chart", "ms", scaled(seconds(first, times, begin), MILLISECONDS), 300)
    read = Figure(f"{said}: whole", "s", seconds(whole, times, begin), 2)
    write_outline(paths, history)
    return [
        begun,
        read,
        Figure(f"{said}: opened again, to all charts", "ms", scaled(seconds(again, times), MILLISECONDS), 100),
        Figure(f"{said}: a tick, four charts", "ms", scaled(seconds(tick, times * 4, grow), MILLISECONDS), 5),
    ]


def _many_runs(directory: Path, runs: int, times: int) -> list[Figure]:
    store: Store = make_store(directory, runs)

    def forget() -> None:
        Catalog(store).path.unlink(missing_ok=True)

    indexed = seconds(lambda: Catalog(store).rows(), times, forget)
    listed = command_seconds(["ls", "--runs", str(directory)], times)
    few = command_seconds(["ls", "--limit", "20", "--runs", str(directory)], times)
    started = _updates(store, times)
    shutil.rmtree(directory)
    return [
        Figure(f"first index of {runs:,} runs", "s", indexed, 3),
        Figure(f"simclr ls, {runs:,} runs", "ms", scaled(listed, MILLISECONDS), 300),
        Figure(f"simclr ls --limit 20, {runs:,} runs", "ms", scaled(few, MILLISECONDS), 200),
        Figure(f"what the catalog adds to a launch, {runs:,} runs", "ms", scaled(started, MILLISECONDS), 50),
    ]


def _updates(store: Store, times: int) -> list[float]:
    """Return the times in s for which a launch waits for the catalog: until the process that updates it is started."""
    updating: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        if (process := update_catalog(store.root)) is not None:
            updating.append(process)

    def ended() -> None:
        for process in updating:
            process.wait()

    try:
        return seconds(start, times, ended)
    finally:
        ended()
