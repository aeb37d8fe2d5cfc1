"""`simclr logs RUN`: print what the trainer wrote to its log."""

from __future__ import annotations

import time
from collections import deque
from itertools import chain
from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import DEFAULT_RUNS, RunName, Runs
from simclr_tui.store.log_tail import LogFollower
from simclr_tui.store.state import ACTIVE

_TAIL = 1_000_000  # bytes read from the end of a log
_TICK = 0.2  # seconds between two polls


def logs(
    name: RunName,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines until the run ends.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Number of last lines to print (0: all).")] = 100,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Print a run's log, all attempts joined."""
    from simclr_tui.store.store import Store

    run = find_run(Store(runs), name)
    ended = run.state not in ACTIVE
    followers = {
        path: LogFollower(path, max(0, path.stat().st_size - _TAIL) if lines else 0) for path in run.log_files()
    }
    found = chain.from_iterable(follower.poll(ended or not follow) for follower in followers.values())
    for line in deque(found, maxlen=lines) if lines else found:
        output.data(line)
    while follow and not ended:
        time.sleep(_TICK)
        ended = run.state not in ACTIVE
        for path in run.log_files():
            for line in followers.setdefault(path, LogFollower(path)).poll(ended):
                output.data(line)
