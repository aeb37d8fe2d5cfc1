"""`simclr edit RUN`: the user's own words about a run."""

from __future__ import annotations

from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import DEFAULT_RUNS, RunName, Runs


def edit(
    name: RunName,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Add a tag; may be given again.")] = None,
    untag: Annotated[list[str] | None, typer.Option("--untag", help="Take a tag away.")] = None,
    note: Annotated[str | None, typer.Option("--note", help="Replace the note.")] = None,
    rename: Annotated[str | None, typer.Option("--name", help="Give the run another name.")] = None,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Change a run's tags, note or name."""
    from simclr_tui.store.labels import edit_run
    from simclr_tui.store.store import Store

    store = Store(runs)
    run = edit_run(store, store.find(name), add=tag or [], remove=untag or [], note=note, name=rename)
    output.talk(f"{run.name}: tags {', '.join(run.info.tags) or 'none'}; note {run.info.note or 'none'}")
