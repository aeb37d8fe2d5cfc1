"""`simclr compare run1 run2`: show what differs, and which run is better."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, RunNames, Runs
from simclr_tui.errors import RecipeError
from simclr_tui.store.metrics.metric_table import CHARTED
from simclr_tui.text import safe

if TYPE_CHECKING:
    from simclr_tui.catalog.compare import Comparison

_AXES = ("step", "epoch", "time")


def compare(
    names: RunNames,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", "-m", help=f"Metric to plot instead of {' and '.join(CHARTED)}. Repeatable."),
    ] = None,
    x: Annotated[str, typer.Option("--x", help="Horizontal axis: step, epoch or time.")] = "step",
    smooth: Annotated[float, typer.Option("--smooth", min=0.0, max=0.999, help="Weight of the moving average.")] = 0.0,
    log: Annotated[bool, typer.Option("--log", help="Logarithmic vertical axis.")] = False,
    json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Print a LaTeX table (booktabs).")] = False,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Compare runs side by side: the fields that differ, final and best metrics, and curves."""
    from simclr_tui.catalog.compare import compare as compare_runs
    from simclr_tui.report.comparison_table import as_latex, table_rows, table_titles
    from simclr_tui.report.heat_maps import comparison_heat_map
    from simclr_tui.store.metrics.downsample import has_axis
    from simclr_tui.store.store import Store

    if len(names) < 2:
        raise RecipeError("compare needs at least two runs", "for example: simclr compare run1 run2")
    if x not in _AXES:
        raise RecipeError(f"--x must be one of {', '.join(_AXES)}, not {x!r}", "the default is step")
    store = Store(runs)
    comparison = compare_runs([find_run(store, name) for name in names])
    if json:
        return output.data_json(comparison.as_json())
    if len(comparison.runs) < 2:
        raise RecipeError(f"{comparison.runs[0].name} is named twice", "compare takes two different runs or more")
    titles, rows = table_titles(comparison), table_rows(comparison)
    for run, history in zip(comparison.runs, comparison.histories, strict=True):
        if not has_axis(history, x):  # type: ignore[arg-type]
            raise RecipeError(f"{run.name} does not know its {x}s", "draw it over steps: --x step")
    if as_csv:
        return output.data(_csv(titles, rows))
    if markdown:
        return output.data(_markdown(titles, rows))
    if latex:
        return output.data(as_latex(titles, rows))
    output.side_by_side(titles, rows)
    if comparison.repeated:
        output.data()
        titles = ["over seeds", *[comparison.group_title(group) for group in comparison.seeds]]
        output.side_by_side(titles, group_rows(comparison))
    if comparison.verdicts:
        output.data()
    for verdict in comparison.verdicts:
        output.data(safe(verdict))
    output.below(comparison_heat_map(comparison, output.width()))
    from simclr_tui.cli.chart import draw_chart

    histories = [(run.name, history) for run, history in zip(comparison.runs, comparison.histories, strict=True)]
    for name in metric or CHARTED:
        output.data()
        output.drawing(draw_chart(histories, name, axis=x, smoothing=smooth, log_y=log))  # type: ignore[arg-type]
    return None


def group_rows(comparison: Comparison) -> list[list[str]]:
    """Return mean ± std over seeds for every measure, the best mean marked with *."""
    return [
        [name, *[cell + (" *" if place == better else "") for place, cell in enumerate(cells)]]
        for name, cells, better in comparison.group_rows()
    ]


def _csv(titles: list[str], rows: list[list[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([titles, *rows])
    return safe(buffer.getvalue().rstrip("\n"), keep_newlines=True)


def _markdown(titles: list[str], rows: list[list[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(safe(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
