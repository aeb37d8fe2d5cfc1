"""`simclr tui`: the dashboard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from simclr_tui.cli.options import DEFAULT_RUNS, Runs
from simclr_tui.errors import RecipeError


def tui(
    snapshot: Annotated[
        Path | None, typer.Option("--snapshot", metavar="F.svg", help="Draw one frame into a file instead.")
    ] = None,
    size: Annotated[str, typer.Option("--size", help="Of the snapshot, in columns and rows.")] = "120x36",
    screen: Annotated[str, typer.Option("--screen", help="Of the snapshot.")] = "main",
    keys: Annotated[str, typer.Option("--keys", help="Keys to press first, separated by commas.")] = "",
    readonly: Annotated[bool, typer.Option("--readonly", help="Only look: no key changes a run.")] = False,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Open the dashboard: start, watch, compare, stop and resume runs. Closing it stops nothing."""
    if snapshot is None:
        from simclr_tui.tui.app import run_dashboard

        raise typer.Exit(run_dashboard(runs, readonly))
    match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", size)
    if match is None:
        raise RecipeError(f"--size must look like 120x36, not {size!r}", "columns, an x, rows")
    from simclr_tui.tui.snapshot import snapshot as draw

    draw(runs, snapshot, (int(match[1]), int(match[2])), screen, [key for key in keys.split(",") if key])
