"""Time whole training loops, by precision and by what compiles or captures their steps, with lightly before and after.

Each is the loop of `simclr run`, on generated images that lie on the device, over three windows of steps; the device is
waited for at their ends alone. The peer reads files, as its users do.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
import traceback
from typing import Any

from benchmarks.gpu.steps import BATCH, ON_GPU, Verdict, before_each_step, folder, say, synchronize, training
from simclr_tui.train import loop

WINDOWS = 3
STEPS = 64 if ON_GPU else 2  # of a window
WARM = 32 if ON_GPU else 6
EPOCHS = -(-(WARM + WINDOWS * STEPS) // (24 if ON_GPU else 10))
VARIANTS: dict[str, dict[str, Any]] = {"eager": {}}
if ON_GPU:
    fast = {"compile": True, "capture": True}
    VARIANTS |= {
        "captured": {"capture": True},
        "compiled": {"compile": True},
        "compiled and captured": fast,
        "captured, fp16": {"capture": True, "precision": "fp16"},
        "compiled and captured, fp16": fast | {"precision": "fp16"},
        "compiled and captured, growing views": fast | {"grow_from": 16},
    }
FASTEST = "compiled and captured" if ON_GPU else "eager"
PEERS = {"lightly, bf16": ["--bf16"], "lightly, fp32": []}


def images_per_s(**flags: Any) -> list[float]:
    """Return the speed of each window of a run with these flags."""
    ends: list[float] = []

    def before(step: int) -> None:
        if step >= WARM and (step - WARM) % STEPS == 0 and len(ends) <= WINDOWS:
            synchronize()
            ends.append(time.perf_counter())

    parts, _ = training(epochs=EPOCHS, **flags)
    with before_each_step(before):
        loop.train(parts)
    return [STEPS * BATCH / (end - began) for began, end in itertools.pairwise(ends)]


def peer_images_per_s(options: list[str]) -> float:
    """Return lightly's speed with as many workers as there are cores."""
    peer = folder("DATA") / "train"
    command = [sys.executable, "benchmarks/peers/lightly_simclr.py", str(peer), "--batch", str(BATCH), "--steps", "40"]
    command += ["--workers", str(len(os.sched_getaffinity(0))), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return float(json.loads(done.stdout.splitlines()[-1])["images_per_s"])


def main(*names: str) -> int:
    """Measure these variants, by default all of them with the peer."""
    verdict = Verdict()
    speeds: dict[str, list[float]] = {}

    def measure(name: str, found: Any) -> None:
        """Add what `found()` returns; the others are still worth their time where it fails."""
        began = time.perf_counter()
        try:
            values = found()
        except Exception as error:
            traceback.print_exc()
            say(f"{name}: {type(error).__name__}: {str(error)[:150]}")
            verdict.fail(name)
            return
        speeds.setdefault(name, []).extend(values)
        speed = sorted(values)[len(values) // 2]
        took = time.perf_counter() - began
        say(f"{name}: {speed:,.0f} images/s, {BATCH / speed * 1e3:.2f} ms a step; {took:.0f} s with its start")

    def measure_peers() -> None:
        if ON_GPU and not names and (folder("DATA") / ".done").exists():
            for name, options in PEERS.items():
                measure(name, lambda options=options: [peer_images_per_s(options)])

    measure_peers()
    for name, flags in VARIANTS.items():
        if names and name not in names:
            continue
        measure(name, lambda flags=flags: images_per_s(**flags))
    measure_peers()
    for name, values in speeds.items():
        say(f"{name}: {min(values):,.0f} to {max(values):,.0f} images/s, n {len(values)}")
    if FASTEST in speeds:
        fastest = sorted(speeds[FASTEST])[len(speeds[FASTEST]) // 2]
        for name in speeds.keys() & PEERS.keys():
            say(f"{FASTEST}: {min(fastest / peer for peer in speeds[name]):.2f} × {name} at least")
    (folder("OUT") / "speed.json").write_text(json.dumps(speeds))
    return verdict.exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
