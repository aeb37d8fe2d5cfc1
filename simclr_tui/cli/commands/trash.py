"""`simclr trash`: what was removed, to be restored or deleted."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import DEFAULT_RUNS, Runs
from simclr_tui.errors import StoreError

app = typer.Typer(help="List, restore or delete removed runs.", no_args_is_help=True)


@app.command("ls")
def ls(runs: Runs = DEFAULT_RUNS) -> None:
    """List removed runs, newest last."""
    from simclr_tui.store.store import Store

    for path in Store(runs).trash():
        output.data(path.name.rpartition(".")[0])


@app.command("restore")
def restore(name: Annotated[str, typer.Argument(metavar="RUN")], runs: Runs = DEFAULT_RUNS) -> None:
    """Bring the newest removed run of that name back."""
    from simclr_tui.store.store import Store

    output.talk(f"{Store(runs).restore(name).name} is back")


@app.command("empty")
def empty(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False, runs: Runs = DEFAULT_RUNS
) -> None:
    """Delete removed runs for good."""
    from simclr_tui.store.store import Store

    store = Store(runs)
    if not yes:
        if not sys.stdin.isatty():
            raise StoreError("emptying asks before it deletes, and there is no one to ask", "give --yes")
        typer.confirm(f"Delete {len(store.trash())} runs for good?", abort=True, err=True)
    output.talk(f"{store.empty_trash()} runs deleted")
