"""A store of twenty runs named as people name them, in nine states."""

from __future__ import annotations

from pathlib import Path

import msgspec

from simclr_tui.launch.queue.queue import pause
from simclr_tui.store.state import read_state, write_state
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket, write_ticket
from tests.tui.runs_fabric import CREATED, fabricate

FINISHED = {
    "baseline-resnet18-cifar10": {}, "baseline-seed2": {"seed": 2}, "baseline-seed3": {"seed": 3},
    "dcl-temp0.2": {"temp": 0.2}, "dcl-temp0.1-longer-warmup": {"temp": 0.1}, "no_color_jitter": {"bs": 64},
    "projection-head-128": {"head_dim": 64}, "lars-lr0.3": {"lr": 0.3}, "lr-0.6 take 2".replace(" ", "-"): {"lr": 0.6},
    "crop-only_ablation": {"temp": 0.4}, "paper-table-5": {"bs": 32},
}  # fmt: skip


def people_store(root: Path) -> Path:
    """Make it: one trains, one is queued in a paused queue and another behind it, the others have ended."""
    for number, (name, flags) in enumerate(FINISHED.items()):
        fabricate(root, name, steps=60, created=CREATED + number, **flags)
    late = CREATED + 100
    fabricate(root, "dcl-temp0.2-800ep", "running", 400, 0.38, created=late, temp=0.2)
    fabricate(root, "second-gpu-run", "running", 400, 0.1, created=late + 1, bs=64)
    fabricate(root, "bs4096-oom", "failed", 200, 0.3, created=late + 2, reason="out of GPU memory at step 60", bs=512)
    fabricate(root, "lr-too-high", "failed", 200, 0.5, created=late + 3, reason="the loss is not finite", lr=9.0)
    fabricate(root, "no-negatives", "finished", 60, created=late + 4, temp=0.9)
    fabricate(root, "stopped-by-hand", "stopped", 200, 0.5, created=late + 5)
    fabricate(root, "power-cut", "lost", 200, 0.66, created=late + 6)
    for position, name in enumerate(("no-head", "bigger-batch"), 1):
        run = fabricate(root, name, "queued", 200, 0.0, created=late + 6 + position)
        write_ticket(run.paths, Ticket(position=position))
    _flag(root, "lr-too-high", "diverged")
    _flag(root, "no-negatives", "collapsed")
    pause(Store(root))
    return root


def _flag(root: Path, name: str, flag: str) -> None:
    paths = Store(root).run(name).paths
    write_state(paths, msgspec.structs.replace(read_state(paths), flags=(flag,)))
