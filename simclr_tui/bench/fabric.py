"""Make run folders and metric logs by the thousand, as training leaves them."""

from __future__ import annotations

import math
import time
from pathlib import Path

import msgspec

from simclr_tui.paths import RunPaths
from simclr_tui.recipe.presets import CPU_PRESET
from simclr_tui.recipe.resolve import resolve, to_toml
from simclr_tui.store.process import this_process
from simclr_tui.store.run import FORMAT, RunInfo
from simclr_tui.store.state import State, write_state
from simclr_tui.store.store import Store

FIVE = ("loss", "lr", "contrastive_top1", "images_per_s", "grad_norm")  # the scalars of a step


def make_store(root: Path, count: int) -> Store:
    """Write `count` finished runs of differing batch size, temperature and seed."""
    for number in range(1, count + 1):
        paths = RunPaths(root / f"run{number}")
        paths.attempt(1).root.mkdir(parents=True)
        paths.evaluations.mkdir()
        flags = {"bs": 64 << number % 4, "temp": (1 + number % 9) / 10, "seed": number}
        paths.recipe.write_text(to_toml(resolve(CPU_PRESET, flags=flags)), encoding="utf-8")
        paths.state.write_bytes(msgspec.json.encode(_state(number)))
        paths.info.write_bytes(msgspec.json.encode(_info(number)))
    return Store(root)


def _state(number: int) -> State:
    share = (number * 37 % 100) / 100
    summary = {
        "loss": 6 - share,
        "knn": 0.3 + share / 2,
        "knn_best": 0.3 + share / 2,
        "images_per_s": 800 + number % 90,
    }
    return State(
        state="failed" if number % 50 == 0 else "finished",
        since=1.7e9 + number,
        step=1000,
        steps=1000,
        steps_per_epoch=10,
        elapsed=60.0 + number % 600,
        summary=summary,
    )


def _info(number: int) -> RunInfo:
    return RunInfo(
        format=FORMAT,
        id=f"{number:032x}",
        name=f"run{number}",
        created=1.7e9 + number,
        version="0.1.0",
        tags=["paper"] if number % 3 == 0 else [],
        note=f"generated run {number}",
    )


def make_metrics(paths: RunPaths, steps: int) -> None:
    """Write one attempt of `steps` steps with five scalars each, and kNN now and then."""
    target = paths.attempt(1)
    target.root.mkdir(parents=True)
    with target.metrics.open("wb") as file:
        for step in range(1, steps + 1):
            wave = math.sin(step / 1000)
            file.write(
                b'{"step":%d,"epoch":%.6f,"time":%.4f,"loss":%.6f,"lr":%.8f,"contrastive_top1":%.4f,'
                b'"images_per_s":%.2f,"grad_norm":%.5f}\n'
                % (step, step / 390, step / 10, 5 - wave, 0.3 + wave / 9, 0.5 + wave / 3, 812 + wave, 1.5 + wave)
            )
            if step % 390 == 0:
                file.write(b'{"step":%d,"epoch":%.6f,"time":%.4f,"knn":%.4f}\n' % (step, step / 390, step / 10, 0.5))


def begin(paths: RunPaths) -> None:
    """Write a run that seems to train, with its lock held by this process."""
    grow(paths, 0)


def grow(paths: RunPaths, step: int) -> None:
    """Write one more step of a run that seems to train; its state once a second, at ten steps a second."""
    wave = math.sin(step / 100)
    with paths.attempt(1).metrics.open("ab") as file:
        file.write(
            b'{"step":%d,"epoch":%.6f,"time":%.4f,"loss":%.6f,"lr":0.3,"contrastive_top1":%.4f,"images_per_s":812.0}\n'
            % (step, step / 390, step / 10, 5 - wave, 0.5 + wave / 3)
        )
    if step % 10 == 0:
        state = State(
            state="running", since=1.7e9, step=step, steps=100_000, steps_per_epoch=390, time=step / 10,
            heartbeat=time.monotonic(), process=this_process(), summary={"loss": 5 - wave, "steps_per_s": 10.0},
        )  # fmt: skip
        write_state(paths, state)
