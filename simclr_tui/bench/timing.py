"""Time repeated work."""

from __future__ import annotations

import gc
import os
import subprocess
import time
from collections.abc import Callable, Sequence

from simclr_tui.interpreter import python_module

MILLISECONDS, MICROSECONDS = 1e3, 1e6


def seconds(work: Callable[[], object], times: int, before: Callable[[], object] = lambda: None) -> list[float]:
    """Return the time in s of each of `times` calls of `work`; the time of `before` is not counted."""
    taken: list[float] = []
    for _ in range(times):
        before()
        gc.collect()
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken


def environment() -> dict[str, str]:
    """Return the environment for a timed command, with bytecode cached as for an installed program."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def command_seconds(words: Sequence[str], times: int) -> list[float]:
    """Return the times in s of a whole `simclr` command, from start to end of its process.

    A first start is not counted. Raises CalledProcessError where the command fails.
    """
    command = python_module("simclr_tui.cli.main", *words)

    def run() -> None:
        nothing = subprocess.DEVNULL
        subprocess.run(command, stdin=nothing, stdout=nothing, check=True, env=environment())

    run()
    return seconds(run, times)


def scaled(values: list[float], factor: float) -> list[float]:
    return [value * factor for value in values]
