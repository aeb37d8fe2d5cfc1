"""Plan and read the run that measures time to kNN: `epochs SECONDS` prints how many fit, `curve RUN` the curve."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from benchmarks.gpu.speed import FASTEST, VARIANTS, images_per_s
from benchmarks.gpu.steps import ON_GPU, folder, say
from simclr_tui.store.store import Store

IMAGES = 50_000
START = 75  # seconds for the start, evaluations and the checkpoint
MARGIN = 0.9


def measured_speed() -> float:
    """Return images/s of the fastest step: SPEED, where an earlier call measured it, of this call, or measured now."""
    if told := os.environ.get("SPEED"):
        return float(told)
    measured = folder("OUT") / "speed.json"
    if measured.exists() and (values := json.loads(measured.read_text()).get(FASTEST)):
        return sorted(values)[len(values) // 2]
    return sorted(images_per_s(**VARIANTS[FASTEST]))[1]


def epochs_within(seconds: float, speed: float, factor: float) -> int:
    """Return the epochs that fit; `factor` above 1 says that steps are cheaper than measured, as of growing views."""
    return max(1, int((seconds - START) * MARGIN * factor * speed / IMAGES))


def curve(name: str) -> None:
    run = Store(Path(os.environ["SIMCLR_RUNS"])).find(name)
    history = run.history()
    times = dict(zip(history.step, history.time, strict=True))
    per_epoch = max(1, run.status.steps_per_epoch)
    points = zip(*history.points("knn"), strict=True)
    values = (f"{value:.1%} at epoch {step // per_epoch} ({times.get(step, 0):.0f} s)" for step, value in points)
    say(f"{name}: {run.state}, {run.status.step} of {run.status.steps} steps, kNN", ", ".join(values))
    shutil.copy(run.paths.attempt(1).root / "metrics.jsonl", folder("OUT") / f"{name}-metrics.jsonl")


def main(what: str, argument: str) -> int:
    if what == "epochs":
        factor = float(os.environ.get("EPOCH_FACTOR", "1"))
        print(epochs_within(float(argument), measured_speed(), factor) if ON_GPU else 1)
    else:
        curve(argument)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
