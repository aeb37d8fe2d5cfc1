"""Measure what the queue costs beside many runs that have ended: queueing a run, and one look of the dispatcher."""

from __future__ import annotations

from pathlib import Path

from simclr_tui.bench.fabric import make_store
from simclr_tui.bench.timing import MILLISECONDS, scaled, seconds
from simclr_tui.launch.metadata import UNNAMED
from simclr_tui.launch.plan import make_plan
from simclr_tui.launch.queue.dispatcher import look_at
from simclr_tui.launch.queue.queue import enqueue, enqueue_all
from simclr_tui.recipe.presets import CPU_PRESET
from simclr_tui.store.bench_report import Figure

_BATCH = 100  # runs queued together, as by a sweep


def queue_figures(directory: Path, runs: int, times: int) -> list[Figure]:
    """Return every figure, working in the folder `directory`; nothing is started."""
    store = make_store(directory / "runs", runs)
    plan = make_plan(CPU_PRESET, flags={"data": "shapes"})

    def queue() -> None:
        for _ in enqueue_all(store, [(plan, UNNAMED)] * _BATCH):
            pass

    def look() -> None:
        look_at(store)

    enqueue(store, plan)
    look()
    beside = seconds(look, times * 4)
    queued = seconds(queue, times)
    waiting = seconds(look, times)
    per_run = MILLISECONDS / _BATCH
    return [
        Figure(f"one poll of the dispatcher, {runs:,} ended runs", "ms", scaled(beside, MILLISECONDS), 20),
        Figure(f"queueing a run, {runs:,} ended runs", "ms", scaled(queued, per_run), 6),
        Figure(f"one poll for each of {times * _BATCH:,} waiting runs", "µs", scaled(waiting, 1e6 / (times * _BATCH))),
    ]
