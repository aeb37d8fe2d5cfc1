"""`simclr logs RUN`: what the trainer printed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from simclr_tui.cli import out
from simclr_tui.cli.options import DEFAULT_RUNS, RunName, Runs
from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE
from simclr_tui.store.tail import fold

_TAIL = 1 << 20  # bytes read from the end of a log


def logs(
    name: RunName,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="The last so many lines (0: all).")] = 100,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Print a run's log, all attempts joined."""
    from simclr_tui.store.store import Store

    run = Store(runs).find(name)
    found: list[str] = []
    offsets: dict[Path, int] = {}
    for path in run.log_files():
        data = _read(path, max(0, path.stat().st_size - _TAIL))
        offsets[path] = path.stat().st_size
        found += data.decode(errors="replace").splitlines()
    for line in found[-lines:] if lines else found:
        _print(line)
    if follow:
        _follow(run, offsets)


def _follow(run: Run, offsets: dict[Path, int]) -> None:
    while True:
        ended = run.state not in ACTIVE
        for path in run.log_files():
            data = _read(path, offsets.get(path, 0))
            whole = len(data) if ended else data.rfind(b"\n") + 1
            offsets[path] = offsets.get(path, 0) + whole
            for line in data[:whole].decode(errors="replace").splitlines():
                _print(line)
        if ended:
            return
        time.sleep(0.2)


def _read(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read()


def _print(line: str) -> None:
    out.data(fold(line))
