"""`simclr import KIND:PATH`: bring the runs of another program, or of another store, beside one's own."""

from __future__ import annotations

from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, Runs
from simclr_tui.errors import ExitCode
from simclr_tui.text import safe


def import_(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="tensorboard:DIR, csv:FILE, wandb:DIR, mlflow:DIR or store:DIR."),
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", "-m", metavar="THEIRS=OURS", help="Which of their metrics is ours. Repeatable."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="A recipe field that you know of them. Repeatable."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the run, where there is one.", show_default=False)
    ] = None,
    json: AsJson = False,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Import runs of TensorBoard, W&B, MLflow, a CSV file or another store, as read-only runs.

    They list, plot and compare beside your own. What their program did not record stays unknown, and a figure is
    called better only where both runs are known to have been measured alike: --set says what you know.
    """
    from simclr_tui.imports.known_fields import parse_fields
    from simclr_tui.imports.metric_names import parse_names
    from simclr_tui.imports.sources import import_runs
    from simclr_tui.store.store import Store

    names, fields = parse_names(metric or []), parse_fields(set_ or [])
    result = import_runs(Store(runs), source, names=names, fields=fields, name=name)
    if json:
        imported = [{"name": run.name, "words": words} for run, words in result.runs]
        output.data_json({"imported": imported, "refused": result.refused})
    else:
        for run, words in result.runs:
            output.talk(safe(f"{run.name}: {words}"))
    for sentence in result.refused:
        output.talk(safe(f"not imported: {sentence}"))
    if result.refused:
        raise typer.Exit(ExitCode.DATA)
