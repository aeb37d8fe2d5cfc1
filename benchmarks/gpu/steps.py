"""What the stages share: a run's parts ready to train, hooks into its steps, and the summary.

A line that starts with ">>" goes into the summary of `gpu-check.sh`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from simclr_tui.launch.plan import make_plan
from simclr_tui.launch.start import create
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store
from simclr_tui.train import loop
from simclr_tui.train.attempt import prepare
from simclr_tui.train.data.prefetch import Feed
from simclr_tui.train.observe.reporter import Reporter
from simclr_tui.train.stop_flag import StopFlag
from simclr_tui.train.train_state import Training

DEVICE = os.environ.get("GPU_CHECK_DEVICE", "cuda")
ON_GPU = DEVICE == "cuda"
BATCH = 512 if ON_GPU else 16
SMALL: dict[str, Any] = {} if ON_GPU else {"width": 0.0625, "bs": BATCH, "subset": 10 * BATCH}
"""Flags that make a rehearsal on a CPU a matter of seconds."""


def folder(name: str) -> Path:
    """Return one of the folders that `gpu-check.sh` names: WORK, OUT or DATA."""
    return Path(os.environ[f"GPU_CHECK_{name}"])


def say(*words: Any) -> None:
    """Print a line of the summary."""
    print(">>", *words, flush=True)


@dataclass
class Verdict:
    """What failed in a stage; `exit_code` is 1 where anything did."""

    failed: list[str] = field(default_factory=list)

    def fail(self, name: str) -> None:
        self.failed.append(name)

    @property
    def exit_code(self) -> int:
        if self.failed:
            say("FAILED:", ", ".join(self.failed))
        return int(bool(self.failed))


def synchronize() -> None:
    """Wait until the device has done all that it was given."""
    if ON_GPU:
        torch.cuda.synchronize()


def training(preset: str = "cifar10-sgd", **flags: Any) -> tuple[Training, Run]:
    """Return a run's parts, ready to train on generated images; it measures no kNN on the way."""
    defaults = {"data": "shapes", "subset": 24 * BATCH, "epochs": 1, "knn_every": 0, "device": DEVICE} | SMALL
    run = create(Store(folder("WORK") / "steps"), make_plan(preset, flags=defaults | flags))
    return prepare(Run(run.path).recipe, run.paths, Reporter(run.paths), stop=StopFlag()), run


@contextlib.contextmanager
def before_each_step(call: Callable[[int], None], after_last: Callable[[], None] | None = None) -> Iterator[None]:
    """Call `call` with the step's number, from 1, before each step that is taken within the with block, and
    `after_last` where the epoch's last step has been taken."""
    take, end_epoch, steps = Feed.take, loop.end_epoch, iter(range(1, 2**31))

    def counted_take(self: Feed) -> Any:
        call(next(steps))
        return take(self)

    def end(*arguments: Any) -> bool:
        if after_last is not None:
            after_last()
        return end_epoch(*arguments)

    Feed.take, loop.end_epoch = counted_take, end  # type: ignore[method-assign]
    try:
        yield
    finally:
        Feed.take, loop.end_epoch = take, end_epoch  # type: ignore[method-assign]
