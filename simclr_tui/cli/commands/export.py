"""`simclr export RUN`: write the encoder and the metrics for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import DEFAULT_RUNS, Runs, complete_run
from simclr_tui.errors import RecipeError, SimclrError, StoreError
from simclr_tui.store.task_replies import Written
from simclr_tui.text import safe, size

if TYPE_CHECKING:
    from simclr_tui.store.run import Run
    from simclr_tui.store.store import Store

_RUN = "{run}"


def export(
    name: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A name, a unique prefix, @last or @best.", autocompletion=complete_run),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder", metavar="F|DIR/", help="F.safetensors, F.pt, F.onnx, or a folder/.", show_default=False
        ),
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
    every: Annotated[
        bool, typer.Option("--all", help="Export every run: {run} in a path becomes its name, or give a folder/.")
    ] = False,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Export a run's encoder, its metrics, or both, for other programs.

    The encoder comes from the newest checkpoint unless --checkpoint names another, with torchvision's parameter names;
    a Markdown file beside it shows how to load it. A folder holds weights, config, card and a loader that needs torch
    alone. ONNX output is checked against torch before it is written.
    """
    from simclr_tui.store.store import Store

    if encoder is None and metrics is None:
        raise RecipeError("nothing to export", "give --encoder F.safetensors, --metrics F.csv, or both")
    if encoder is None and checkpoint != "newest":
        raise RecipeError(
            "--checkpoint chooses the encoder, and none is exported", "give --encoder F.safetensors with it"
        )
    if (name is None) != every:
        raise RecipeError(
            "export takes a RUN, or --all for every run", "for example: simclr export run1 --metrics m.csv"
        )
    store = Store(runs)
    if name is not None:
        return _export(find_run(store, name), encoder, metrics, checkpoint=checkpoint)
    return _export_all(store, encoder, metrics, checkpoint=checkpoint)


def _export(run: Run, encoder: str | None, metrics: str | None, *, checkpoint: str) -> None:
    from simclr_tui.launch.tasks import export_encoder
    from simclr_tui.store.export.metrics import export_metrics
    from simclr_tui.store.export.target import is_folder

    if metrics is not None:
        _say(export_metrics(run, metrics))
    if encoder is not None:
        folder = encoder.endswith("/") or is_folder(Path(encoder))
        written = export_encoder(run, Path(encoder), checkpoint=checkpoint, folder=folder)
        _say(written)
        output.talk(f"how to load it: {safe(written.files[1])}")


def _export_all(store: Store, encoder: str | None, metrics: str | None, *, checkpoint: str) -> None:
    """Export every run; one that has nothing to export yet is named, and keeps no other out."""
    for target in (encoder, metrics):
        if target is not None and _RUN not in target and not target.endswith("/"):
            raise RecipeError(
                f"with --all, {safe(target)} would be written again by each run", f"as in {_RUN}-{target}"
            )
    names = store.names()
    left_out = 0
    for name in names:
        run = store.run(name)
        encoders = f"{encoder}{_RUN}/" if encoder is not None and _RUN not in encoder else encoder
        for path, is_encoder in ((metrics, False), (encoders, True)):
            if path is None:
                continue
            mine = path.replace(_RUN, name)
            try:
                Path(mine).parent.mkdir(parents=True, exist_ok=True)
                _export(run, mine if is_encoder else None, None if is_encoder else mine, checkpoint=checkpoint)
            except SimclrError as error:
                left_out += 1
                output.talk(f"left out: {safe(error.message)}")
            except OSError as error:
                raise StoreError(f"cannot make {safe(mine)}: {error.strerror}", "give another path") from None
    output.talk(f"{len(names)} runs{f', {left_out} left out' if left_out else ''}")


def _say(written: Written) -> None:
    output.talk(f"wrote {safe(written.files[0])}: {written.content} ({size(written.bytes)})")
