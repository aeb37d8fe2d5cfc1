"""`simclr report RUN… -o R.html`: write what was asked, what came out and how to repeat it into one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import DEFAULT_RUNS, Runs, complete_run
from simclr_tui.text import safe, size


def report(
    names: Annotated[
        list[str],
        typer.Argument(metavar="RUN…|SWEEP", help="Runs, or one sweep.", autocompletion=complete_run),
    ],
    target: Annotated[Path, typer.Option("--out", "-o", metavar="F", help="F.html or F.md.")],
    images: Annotated[
        bool, typer.Option("--images/--no-images", help="Show views and neighbours, which are images of the data.")
    ] = True,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Write a report of runs, or of a sweep, as one HTML or Markdown file that needs nothing else.

    It holds results with intervals and what can be concluded, recipes, curves, evaluations, images of the first run,
    hardware and cost, and the commands that repeat the runs. It says which images of the data it holds.
    """
    from simclr_tui.report.make import make_report, runs_of_sweep
    from simclr_tui.report.write import check_report, write_report
    from simclr_tui.store.store import Store
    from simclr_tui.sweep.folder import find_sweep, sweep_names

    check_report(target)
    store = Store(runs)
    is_sweep = len(names) == 1 and names[0] in sweep_names(store) and names[0] not in store.names()
    sweep = find_sweep(store, names[0]).read() if is_sweep else None
    found = runs_of_sweep(store, sweep) if sweep else [find_run(store, name) for name in names]
    if images:
        output.talk("drawing views and neighbours; --no-images leaves them out")
    write_report(make_report(found, sweep=sweep, images=images), target)
    output.talk(f"wrote {safe(str(target))} ({size(target.stat().st_size)})")
