"""`simclr plot RUN… -o F.svg`: draw metrics as a figure for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import DEFAULT_RUNS, RunNames, Runs
from simclr_tui.text import safe


def plot(
    names: RunNames,
    target: Annotated[Path, typer.Option("--out", "-o", metavar="F", help="F.svg, F.pdf or F.png.")],
    metric: Annotated[
        str,
        typer.Option(
            "--metric", "-m", help="Metrics, separated by commas: a panel each.", show_default="loss,knn as logged"
        ),
    ] = "",
    x: Annotated[Literal["step", "epoch", "time"], typer.Option("--x", help="Horizontal axis.")] = "step",
    group: Annotated[
        str, typer.Option("--group", "-g", help="Recipe field: a line per value, mean ± std over its runs.")
    ] = "",
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Draw metrics of runs as a figure for a paper: SVG, PDF or PNG.

    A mean is of the runs that finished in health, and only of values that can be compared, as in `simclr ls --group`.
    Needs matplotlib: pip install 'simclr-tui[plot]'.
    """
    from simclr_tui.report.figure import check_figure, write_figure
    from simclr_tui.report.figure_choice import FigureChoice, metric_names
    from simclr_tui.store.store import Store

    check_figure(target)
    store = Store(runs)
    found = [find_run(store, name) for name in names]
    for remark in write_figure(found, target, FigureChoice(metric_names(metric), x, group)):
        output.talk(safe(remark))
    output.talk(f"wrote {safe(str(target))}")
