"""`simclr attach RUN`: follow a run that is already training."""

from __future__ import annotations

import typer

from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import DEFAULT_RUNS, RunName, Runs


def attach(name: RunName, runs: Runs = DEFAULT_RUNS) -> None:
    """Follow a run as `simclr run` does. Ctrl-C stops it with a checkpoint; closing the terminal does not."""
    from simclr_tui.cli.follow import follow
    from simclr_tui.store.store import Store

    raise typer.Exit(follow(find_run(Store(runs), name)))
