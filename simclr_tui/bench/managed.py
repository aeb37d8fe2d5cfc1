"""Measure the cost of being managed: the same steps in `simclr run`, with logs, samples and an open dashboard."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import tomli_w

from simclr_tui.bench.terminal import Terminal
from simclr_tui.bench.timing import environment
from simclr_tui.errors import SimclrError, StoreError
from simclr_tui.interpreter import python_module
from simclr_tui.launch.stop import kill
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.run import Run
from simclr_tui.store.state import OPEN

_IMAGES = 10_000  # of the generated data set
_SIZE = (120, 36)
_TIMEOUT = 3600.0  # seconds
_COMMAND = python_module("simclr_tui.cli.main")


def managed_images_per_s(directory: Path, recipe: Recipe, steps: int) -> float:
    """Return images/s of a run of `steps` steps after one of warm-up, from the first to the last line of its log.

    The store is made in `directory`. Raises SimclrError where the run does not finish.
    """
    file, store = directory / "recipe.toml", directory / "runs"
    directory.mkdir(parents=True)
    file.write_text(tomli_w.dumps(msgspec.to_builtins(recipe)), encoding="utf-8")
    images = min((steps + 1) * recipe.batch_size, _IMAGES // recipe.batch_size * recipe.batch_size)
    epochs = -(-(steps + 1) * recipe.batch_size // images)
    words = ["--config", str(file), "--data", "shapes", "--subset", str(images), "--epochs", str(epochs)]
    words += ["--knn-every", str(epochs), "--checkpoint-every", str(epochs), "--runs", str(store)]
    run, deadline = Run(store / "run1"), time.monotonic() + _TIMEOUT
    with _killed_at_exit(run), Terminal(["tui", "--runs", str(store)], *_SIZE) as terminal:
        command = [*_COMMAND, "run", *words, "-d", "--name", run.name]
        begun = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
        if begun.returncode:
            raise SimclrError(f"the measured run did not start: {begun.stderr.strip()}", "see simclr doctor")
        while run.state in OPEN and time.monotonic() < deadline:
            terminal.quiet(0.2)
    if run.state != "finished":
        raise SimclrError(f"the measured run is {run.state}", "try it by hand: simclr run")
    history = run.history()
    rows = list(history.columns["loss"].rows)
    return (len(rows) - 1) * recipe.batch_size / (history.time[rows[-1]] - history.time[rows[0]])


@contextlib.contextmanager
def _killed_at_exit(run: Run) -> Iterator[None]:
    """Kill the run if the block exits before the run has ended: nothing else would stop it."""
    try:
        yield
    finally:
        with contextlib.suppress(StoreError):  # usually it has ended
            kill(run)
