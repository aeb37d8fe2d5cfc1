"""`simclr rm RUN…`: move runs to the trash."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_all_to_change
from simclr_tui.cli.options import DEFAULT_RUNS, ExactNames, Runs
from simclr_tui.errors import StoreError


def rm(
    names: ExactNames,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Move runs to the trash; `simclr trash` restores them or empties it."""
    from simclr_tui.store.store import Store

    store = Store(runs)
    found = find_all_to_change(store, names)
    if not yes:
        if not sys.stdin.isatty():
            raise StoreError("rm asks for confirmation, but stdin is not a terminal", "give --yes")
        output.confirm(f"Move {', '.join(run.name for run in found)} to the trash?")
    for run in found:
        store.remove(run)
        output.talk(f"Moved {run.name} to the trash; undo with: simclr trash restore {run.name}")
