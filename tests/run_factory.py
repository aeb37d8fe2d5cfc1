"""Run folders as a training run leaves them, made without training."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from simclr_tui.paths import RunPaths
from simclr_tui.recipe.resolve import resolve, to_toml
from simclr_tui.store import checkpoints
from simclr_tui.store.checkpoints import Manifest
from simclr_tui.store.run import FORMAT, Run, RunInfo
from simclr_tui.store.state import State, write_state
from simclr_tui.store.store import Store


def make_run(
    root: Path, name: str | None = None, flags: Mapping[str, Any] | None = None, created: float = 1.0,
    tags: list[str] | None = None, note: str = "", **state: Any,
) -> Run:  # fmt: skip
    """A finished run of the quick preset; `flags` change its recipe, `state` its state."""
    run = Store(root).claim(name)
    run.paths.attempt(1).root.mkdir()
    run.paths.checkpoints.mkdir()
    run.paths.recipe.write_text(to_toml(resolve("quick", flags=flags)), encoding="utf-8")
    write_state(run.paths, State(**{"state": "finished", "since": created} | state))
    run.write_info(
        RunInfo(
            format=FORMAT,
            id=uuid.uuid4().hex,
            name=run.name,
            created=created,
            version="0.1.0",
            tags=tags or [],
            note=note,
        )
    )
    return run


def before_restart(run: Run, state: State) -> None:
    """Make `state` what a run's last attempt wrote under another boot, before the machine was restarted."""
    old = {
        role: msgspec.structs.replace(process, boot="before")
        for role in ("process", "supervisor")
        if (process := getattr(state, role)) is not None
    }
    write_state(run.paths, msgspec.structs.replace(state, since=1.0, **old))
    for path in (run.paths.state, run.paths.attempt(state.attempt).hardware):
        if path.exists():
            os.utime(path, (1, 1))


def metric_line(step: int, **values: Any) -> bytes:
    return json.dumps({"step": step, "epoch": step / 10, "time": step / 100, **values}).encode()


def write_metrics(paths: RunPaths, attempt: int, lines: Iterable[bytes]) -> Path:
    """The metric log of one attempt, each line closed by a newline."""
    target = paths.attempt(attempt)
    target.root.mkdir(exist_ok=True)
    target.metrics.write_bytes(b"".join(line + b"\n" for line in lines))
    return target.metrics


CHECKPOINT = bytes(range(256)) * 40


def save_checkpoint(paths: RunPaths, step: int, data: bytes = CHECKPOINT, **system: Any) -> Manifest:
    return checkpoints.save(paths, data, step=step, epoch=step / 10, recipe="abc", wall=1.0, version="0.1.0", **system)


def newest_valid(paths: RunPaths) -> tuple[int, bytes] | None:
    """Step and bytes of the newest checkpoint that matches its manifest."""
    for manifest in checkpoints.manifests(paths):
        data = checkpoints.load(paths, manifest)
        if isinstance(data, bytes):
            return manifest.step, data
    return None
