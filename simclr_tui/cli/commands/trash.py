"""`simclr trash`: restore removed runs, or delete them for good."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import DEFAULT_RUNS, Runs
from simclr_tui.errors import StoreError

app = typer.Typer(help="List, restore or permanently delete removed runs.", no_args_is_help=True)


@app.command("ls")
def ls(runs: Runs = DEFAULT_RUNS) -> None:
    """List removed runs, newest last."""
    from simclr_tui.store.store import Store

    for path in Store(runs).trash():
        output.data(path.name.rpartition(".")[0])


@app.command("restore")
def restore(name: Annotated[str, typer.Argument(metavar="RUN")], runs: Runs = DEFAULT_RUNS) -> None:
    """Restore the most recently removed run of that name."""
    from simclr_tui.store.store import Store

    output.talk(f"Restored {Store(runs).restore(name).name}")


@app.command("empty")
def empty(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False, runs: Runs = DEFAULT_RUNS
) -> None:
    """Permanently delete removed runs."""
    from simclr_tui.store.store import Store

    store = Store(runs)
    if not yes:
        if not sys.stdin.isatty():
            raise StoreError("trash empty asks for confirmation, but stdin is not a terminal", "give --yes")
        output.confirm(f"Permanently delete {len(store.trash())} runs?")
    output.talk(f"Deleted {store.empty_trash()} runs")
