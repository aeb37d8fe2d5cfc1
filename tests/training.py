"""Real runs, small enough to train in a second, and an oracle that says whether two of them are the same."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simclr_tui.launch.plan import make_plan
from simclr_tui.launch.start import create
from simclr_tui.store import checkpoints
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store

TINY: dict[str, Any] = {
    "data": "shapes",
    "subset": 96,
    "bs": 16,
    "epochs": 3,
    "width": 0.125,
    "image_size": 16,
    "head_dim": 8,
    "knn_every": 1,
    "knn_k": 20,
    "knn_on": "test",
    "checkpoint_every": 1,
    "warmup": 0.5,
    "precision": "fp32",
    "threads": 1,
    "device": "cpu",
}
STEPS = 18  # 96 images in batches of 16, three epochs
# What depends on how fast the machine was, not on what was computed.
_TIMES = {"time", "images_per_s", "data_wait"}


# How much longer to wait than a busy machine takes: full counts are run at the lowest priority beside other work.
PATIENCE = float(os.environ.get("TEST_PATIENCE", "1"))


def tiny_plan(**flags: Any):
    return make_plan("quick", flags=TINY | flags)


def tiny_run(root: Path, **flags: Any) -> Run:
    """A run folder, complete but for its processes."""
    return create(Store(root), tiny_plan(**flags))


def train_in_process(run: Run, **options: Any) -> subprocess.CompletedProcess[str]:
    """Train the newest attempt to its end in a process of its own."""
    command = [sys.executable, "-m", "simclr_tui.train", str(run.path)]
    return subprocess.run(command, capture_output=True, text=True, **{"timeout": 280 * PATIENCE} | options)


def until(condition: Callable[[], Any], timeout: float = 150.0, what: str = "") -> Any:
    """Poll until the condition holds; its value."""
    deadline = time.monotonic() + timeout * PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"timed out waiting for {what or condition}"
        time.sleep(0.01)
    return value


def metric_table(run: Run) -> dict[str, list[tuple[int, float]]]:
    """Every metric that is a function of the recipe alone."""
    history = run.history()
    assert history.damaged == 0
    return {
        name: list(zip(*history.points(name), strict=True)) for name in sorted(history.columns) if name not in _TIMES
    }


def tensors(run: Run) -> dict[str, Any]:
    """The newest checkpoint's tensors, flattened, without the recipe that is kept beside them."""
    from simclr_tui.train.persist.checkpoint import load_newest
    from simclr_tui.train.persist.made_with import KEY

    assert isinstance(checkpoints.load(run.paths, run.checkpoints[0]), bytes)
    state, damages = load_newest(run.paths)
    assert state is not None
    assert not damages
    state.pop(KEY, None)
    flat: dict[str, Any] = {}

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{prefix}.{key}", inner)
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                walk(f"{prefix}.{index}", inner)
        else:
            flat[prefix] = value

    walk("", state)
    return flat


def assert_same(one: Run, other: Run) -> None:
    """Two runs ended with the same metrics and the same tensors, to the bit."""
    import torch

    assert metric_table(one) == metric_table(other)
    left, right = tensors(one), tensors(other)
    assert left.keys() == right.keys()
    for name, value in left.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, right[name]), name
        else:
            assert value == right[name], name
