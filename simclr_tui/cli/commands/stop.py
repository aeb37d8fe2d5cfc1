"""`simclr stop RUN…`: stop runs with a checkpoint, or kill them."""

from __future__ import annotations

from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_all_to_change
from simclr_tui.cli.options import DEFAULT_RUNS, ExactNames, Runs


def stop(
    names: ExactNames,
    now: Annotated[
        bool, typer.Option("--kill", help="Kill at once; resume continues from the last checkpoint.")
    ] = False,
    grace: Annotated[
        float, typer.Option("--grace", min=0.0, help="Seconds to wait before killing a run that does not stop.")
    ] = 60.0,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Stop runs: each finishes its step, saves a checkpoint and exits; a queued run leaves the queue."""
    from simclr_tui.launch.stop import kill
    from simclr_tui.launch.stop import stop as stop_with_checkpoint
    from simclr_tui.store.store import Store

    store = Store(runs)
    for run in find_all_to_change(store, names):
        final = kill(run) if now else stop_with_checkpoint(run, grace)
        output.talk(f"{run.name} {final.state} at step {final.step}; continue with: simclr resume {run.name}")
