"""`simclr resume RUN`: go on exactly where it was."""

from __future__ import annotations

from typing import Annotated

import typer

from simclr_tui.cli import out
from simclr_tui.cli.options import DEFAULT_RUNS, RunName, Runs


def resume(
    name: RunName,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return at once.")] = False,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Go on from the newest checkpoint, exactly: the result is that of a run that never stopped."""
    from simclr_tui.launch.start import resume as start_again
    from simclr_tui.store.store import Store

    run = Store(runs).find(name)
    attempt = start_again(run)
    out.talk(f"{run.name}: attempt {attempt}")
    if detach:
        return out.data(run.name)
    from simclr_tui.cli.follow import follow

    raise typer.Exit(follow(run))
