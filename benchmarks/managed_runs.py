"""Train and evaluate runs of a store through the command line, except for what an earlier call has done."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_SIMCLR = [sys.executable, "-m", "simclr_tui.cli.main"]


def train_run(store: Path, name: str, flags: Mapping[str, str]) -> str:
    """Begin a run, or resume one that was interrupted; return its state. What finished or failed is left as it is.

    Raises SystemExit with what the command said where it did not begin.
    """
    state, said = state_of(store / name), ""
    if state == "not started":
        said = call("run", *(word for pair in flags.items() for word in pair), "--name", name, store=store)
    elif state not in ("finished", "failed"):
        call("resume", name, store=store)
    if (state := state_of(store / name)) == "not started":
        raise SystemExit(f"{name} did not begin: {said}")
    return state


def evaluate_run(store: Path, name: str) -> None:
    """Measure a finished run's kNN on the test images, unless that is done."""
    if state_of(store / name) == "finished" and not (store / name / "evaluations" / "knn.json").exists():
        call("eval", name, "--knn", store=store)


def knn_on_test(run: Path) -> float | None:
    """Return a run's kNN accuracy (0–1) on the test images; None where it was not measured."""
    try:
        return float(json.loads((run / "evaluations" / "knn.json").read_text())["results"][0]["top1"])
    except FileNotFoundError:
        return None


def state_of(run: Path) -> str:
    """Return the state that a run's folder tells, `not started` where there is none."""
    try:
        return str(json.loads((run / "state.json").read_text())["state"])
    except FileNotFoundError:
        return "not started"


def call(*words: str, store: Path) -> str:
    """Run `simclr WORDS --runs STORE` to its end; return its last line on stderr, the error of one that failed."""
    command = [*_SIMCLR, *words, "--runs", str(store)]
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"code {done.returncode}"
