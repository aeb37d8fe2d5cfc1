"""`simclr edit RUN`: change a run's metadata."""

from __future__ import annotations

from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_to_change
from simclr_tui.cli.options import DEFAULT_RUNS, ExactName, Runs


def edit(
    name: ExactName,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Tag to add. Repeatable.")] = None,
    untag: Annotated[list[str] | None, typer.Option("--untag", help="Tag to remove. Repeatable.")] = None,
    note: Annotated[str | None, typer.Option("--note", help="New note.")] = None,
    rename: Annotated[str | None, typer.Option("--name", help="New name.")] = None,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Edit a run's tags, note or name."""
    from simclr_tui.store.labels import edit_run
    from simclr_tui.store.store import Store

    store = Store(runs)
    run = edit_run(store, find_to_change(store, name), add=tag or [], remove=untag or [], note=note, name=rename)
    output.talk(f"{run.name}: tags {', '.join(run.info.tags) or 'none'}; note {run.info.note or 'none'}")
