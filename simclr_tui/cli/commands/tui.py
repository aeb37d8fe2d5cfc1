"""`simclr tui`: open the dashboard, serve it, or draw one frame of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import DEFAULT_RUNS, Runs
from simclr_tui.errors import RecipeError


def tui(
    snapshot: Annotated[
        Path | None, typer.Option("--snapshot", metavar="F.svg", help="Draw one frame to a file instead.")
    ] = None,
    size: Annotated[str, typer.Option("--size", help="Size of the snapshot, in columns x rows.")] = "120x36",
    screen: Annotated[
        str, typer.Option("--screen", help="Screen of the snapshot, e.g. main, compare or new.")
    ] = "main",
    keys: Annotated[str, typer.Option("--keys", help="Keys to press first, separated by commas.")] = "",
    readonly: Annotated[bool, typer.Option("--readonly", help="Read-only: no key changes a run.")] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Serve it, read-only, to a browser on this machine.")] = False,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port for --serve.")] = 8000,
    writable: Annotated[bool, typer.Option("--writable", help="With --serve: allow changes too.")] = False,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Open the dashboard: start, watch, compare, stop and resume runs. Closing it stops nothing."""
    if serve:
        from simclr_tui.tui.serve import serve as serve_dashboard

        return serve_dashboard(
            runs, port, writable, announce=lambda address: output.talk(f"open {address} · Ctrl-C to stop serving")
        )
    if snapshot is None:
        from simclr_tui.tui.session import run_dashboard

        raise typer.Exit(run_dashboard(runs, readonly))
    match = re.fullmatch(r"(\d{1,4})x(\d{1,4})", size)
    if match is None:
        raise RecipeError(f"--size must look like 120x36, not {size!r}", "columns, an x, rows")
    from simclr_tui.config import read_config
    from simclr_tui.tui.screenshot import snapshot as draw

    return draw(
        runs, snapshot, (int(match[1]), int(match[2])), screen=screen, keys=[key for key in keys.split(",") if key],
        config=read_config(), readonly=readonly,
    )  # fmt: skip
