"""`simclr clone RUN --temp 0.1`: start a new run from another run's recipe, with changes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import DEFAULT_RUNS, RunName, Runs
from simclr_tui.cli.plan_notes import print_notes
from simclr_tui.cli.recipe_options import with_recipe_flags


@with_recipe_flags
def clone(
    source: RunName,
    *,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Print the run's name and return at once.")] = False,
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="Name of the run.", show_default="run1, run2, …")
    ] = None,
    runs: Runs = DEFAULT_RUNS,
    flags: dict[str, Any],
) -> None:
    """Start a new run from another run's recipe; flags change individual fields."""
    from simclr_tui.launch.metadata import Metadata
    from simclr_tui.launch.plan import plan_clone
    from simclr_tui.launch.start import start
    from simclr_tui.store.store import Store

    store = Store(runs)
    plan = plan_clone(find_run(store, source), flags)
    print_notes(plan)
    started = start(store, plan, Metadata(name=name))
    if detach:
        return output.data(started.name)
    from simclr_tui.cli.follow import follow

    output.talk(f"{started.name}: {started.path}")
    raise typer.Exit(follow(started))
