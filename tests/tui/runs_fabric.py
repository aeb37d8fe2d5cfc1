"""Run folders made with the store's own classes, as a trainer would have left them."""

from __future__ import annotations

import math
import random
import uuid
import zlib
from pathlib import Path
from typing import Any

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.hardware.sample import GpuSample, HardwareSample
from simclr_tui.recipe.resolve import resolve, to_toml
from simclr_tui.store.events import EventLog
from simclr_tui.store.metrics.writer import MetricWriter
from simclr_tui.store.process import this_process
from simclr_tui.store.run import FORMAT, Run, RunInfo
from simclr_tui.store.state import State, write_state

CREATED = 1_700_000_000.0


def fabricate(
    root: Path, name: str = "run1", state: str = "finished", steps: int = 400, share: float = 1.0, *,
    gpu: bool = True, note: str = "", tags: list[str] | None = None, log: str = "training\n", created: float = CREATED,
    metric: str = "", reason: str = "", event: str = "", **flags: Any,
) -> Run:  # fmt: skip
    """A run at `share` of its steps. A running one is "held" by this process."""
    run = Run(root / name)
    for folder in (run.paths.checkpoints, run.paths.evaluations, run.paths.attempt(1).root):
        folder.mkdir(parents=True)
    write_file(run.paths.recipe, to_toml(resolve("quick", None, {"data": "shapes", **flags})).encode(), durable=False)
    done = int(steps * share)
    summary = write_metrics(run, 0, done, steps, seed=zlib.crc32(name.encode()), metric=metric)
    write_hardware(run, max(done // 4, 2), gpu)
    events = EventLog(run.paths.attempt(1))
    events.write("started", f"{name} on cpu {event}")
    events.close()
    run.paths.attempt(1).log.write_text(log, encoding="utf-8", errors="surrogatepass")
    write_state(run.paths, make_state(state, done, steps, summary, reason))
    run.write_info(
        RunInfo(
            format=FORMAT, id=uuid.uuid4().hex, name=name, created=created, version="0.1.0", tags=tags or [], note=note
        )
    )  # fmt: skip
    return run


def make_state(state: str, done: int, steps: int, summary: dict[str, float], reason: str = "") -> State:
    alive = this_process() if state in ("running", "starting") else None
    return State(
        state=state, since=CREATED, step=done, steps=steps, steps_per_epoch=20, elapsed=0.0, time=done / 10,
        process=alive, summary=summary, reason=reason,
    )  # fmt: skip


def write_metrics(run: Run, first: int, stop: int, steps: int, seed: int = 0, metric: str = "") -> dict[str, float]:
    """Lines for the steps first+1 … stop; returns the summary of the last."""
    draw = random.Random(seed)
    writer = MetricWriter(run.paths.attempt(1))
    final = 0.6 + 0.3 * draw.random()
    knn, values = 0.1, {}
    for step in range(first, stop + 1):
        share = step / steps
        if step % 40 == 0:
            knn = 0.1 + final * (1 - math.exp(-4 * share))
            writer.write(step, step / 20, step / 10, values={"knn": knn})
        if step == first:
            continue
        values = {
            "loss": 4.8 + 1.2 * math.exp(-5 * share) + draw.gauss(0, 0.03),
            "lr": 0.12 * 0.5 * (1 + math.cos(math.pi * share)),
            "contrastive_top1": 0.9 * (1 - math.exp(-3 * share)) + draw.gauss(0, 0.01),
            "images_per_s": 26_000 + draw.gauss(0, 400),
            "grad_norm": 2 * math.exp(-2 * share) + abs(draw.gauss(0, 0.1)),
            "data_wait": 0.002 + abs(draw.gauss(0, 0.001)),
        }
        if metric:
            values[metric] = draw.random()
        writer.write(step, step / 20, step / 10, values=values)
    writer.close()
    kept = {name: values[name] for name in ("loss", "contrastive_top1", "images_per_s") if name in values}
    return kept | {"knn": knn, "knn_best": knn, "knn_first": 0.1, "steps_per_s": 100.0}


def write_hardware(run: Run, seconds: int, gpu: bool) -> None:
    draw = random.Random(1)
    with run.paths.attempt(1).hardware.open("ab") as file:
        for second in range(seconds):
            one = GpuSample(
                index=0, name="NVIDIA H100 80GB HBM3", memory_used=int((61 + draw.random()) * 1e9),
                memory_total=85_000_000_000, process_memory=int(60e9), utilization=0.9 + draw.random() / 10,
                temperature=60 + draw.random() * 5, power=500 + draw.random() * 50, power_limit=700.0,
            )  # fmt: skip
            sample = HardwareSample(
                time=CREATED + second, gpus=(one,) if gpu else (), cpu=0.3 + draw.random() / 5,
                ram_used=int(20e9), ram_total=int(128e9), process_rss=int(4e9), process_cpu=2 + draw.random(),
            )  # fmt: skip
            file.write(msgspec.json.encode(sample) + b"\n")
