"""`simclr export RUN`: write the encoder and the metrics for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import DEFAULT_RUNS, RunName, Runs
from simclr_tui.errors import RecipeError
from simclr_tui.store.task_replies import Written
from simclr_tui.text import safe, size


def export(
    name: RunName,
    encoder: Annotated[
        Path | None, typer.Option("--encoder", help="F.safetensors, F.pt or F.onnx.", show_default=False)
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option("--metrics", help="F.csv, F.parquet, or a folder/ for TensorBoard.", show_default=False),
    ] = None,
    checkpoint: Annotated[
        str,
        typer.Option(
            "--checkpoint", metavar="newest|best|STEP", help="The encoder's checkpoint; best is by validation kNN."
        ),
    ] = "newest",
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Export a run's encoder, its metrics, or both, for other programs.

    The encoder comes from the newest checkpoint unless --checkpoint names another, with torchvision's parameter names;
    a Markdown file beside it shows how to load it. ONNX output is checked against torch before it is written.
    """
    from simclr_tui.launch.tasks import export_encoder
    from simclr_tui.store.export.metrics import export_metrics
    from simclr_tui.store.store import Store

    if encoder is None and metrics is None:
        raise RecipeError("nothing to export", "give --encoder F.safetensors, --metrics F.csv, or both")
    if encoder is None and checkpoint != "newest":
        raise RecipeError(
            "--checkpoint chooses the encoder, and none is exported", "give --encoder F.safetensors with it"
        )
    run = find_run(Store(runs), name)
    if metrics is not None:
        _say(export_metrics(run, metrics))
    if encoder is not None:
        written = export_encoder(run, encoder, checkpoint=checkpoint)
        _say(written)
        output.talk(f"how to load it: {safe(written.files[1])}")


def _say(written: Written) -> None:
    output.talk(f"wrote {safe(written.files[0])}: {written.content} ({size(written.bytes)})")
