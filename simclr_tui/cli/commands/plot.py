"""`simclr plot RUN… -o F.svg`: draw metrics as a figure for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import DEFAULT_RUNS, RunNames, Runs
from simclr_tui.errors import RecipeError
from simclr_tui.text import safe, value_text


def plot(
    names: RunNames,
    target: Annotated[Path, typer.Option("--out", "-o", metavar="F", help="F.svg, F.pdf or F.png.")],
    metric: Annotated[
        str, typer.Option("--metric", "-m", help="Metrics, separated by commas: a panel each.")
    ] = "loss,knn",
    x: Annotated[Literal["step", "epoch", "time"], typer.Option("--x", help="Horizontal axis.")] = "step",
    group: Annotated[
        str, typer.Option("--group", "-g", help="Recipe field: one line per value, with a band of ± std over its runs.")
    ] = "",
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Draw metrics of runs as a figure for a paper: SVG, PDF or PNG.

    Needs matplotlib: pip install 'simclr-tui[plot]'.
    """
    from simclr_tui.recipe.fields import field
    from simclr_tui.store.export.figure import KINDS, Series, draw_figure, save_figure
    from simclr_tui.store.metrics.downsample import has_axis
    from simclr_tui.store.store import Store

    if target.suffix.lower() not in KINDS:
        raise RecipeError(f"cannot draw into {safe(str(target))}", f"end its name with one of {', '.join(KINDS)}")
    store = Store(runs)
    found = [find_run(store, name) for name in names]
    lines: dict[str, list[int]] = {}
    key = field(group).key if group else ""
    for index, run in enumerate(found):
        named = f"{group} {value_text(getattr(run.recipe, key))}" if key else run.name
        lines.setdefault(named, []).append(index)
    for run in found:
        if not has_axis(run.history(), x):
            raise RecipeError(f"{run.name} does not know its {x}s", "draw it over steps: --x step")
    series = [Series(name, [found[index].history() for index in members]) for name, members in lines.items()]
    save_figure(draw_figure(series, [word for word in metric.split(",") if word], x), target)
    output.talk(f"wrote {target}")
