"""`simclr embed RUN`: plot an encoder's representations of images, or write them to a file."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from simclr_tui.cli import output, streams
from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, Data, Device, RunName, Runs, Split
from simclr_tui.display.cells import width_of
from simclr_tui.display.halfblocks import Line
from simclr_tui.display.scatter import Scatter, class_mark
from simclr_tui.errors import RecipeError
from simclr_tui.store.task_replies import Projection
from simclr_tui.text import percent, safe, size

_TALLEST = 40  # lines of the scatter


def embed(
    name: RunName,
    file: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="F.npy (labels and paths in F.npy.csv) or F.parquet.", show_default=False),
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the scatter plot even with --out.")] = False,
    data: Data = None,
    split: Split = None,
    device: Device = "auto",
    json: AsJson = False,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Plot test images on the two principal components of h, or write h of every image to a file.

    Uses the run's newest checkpoint. The plot shows at most 2,000 images, balanced over the classes; --json prints
    its points. A file holds both splits unless --split is given, with labels and paths where known.
    """
    from simclr_tui.launch.tasks import embed as compute
    from simclr_tui.launch.tasks import project
    from simclr_tui.store.store import Store

    run = find_run(Store(runs), name)
    if file is not None and json:
        raise RecipeError("--out and --json exclude each other", "give only one of them")
    if file is not None:
        written = compute(run, file, data=data, split=split, device=device)
        output.talk(f"wrote {safe(' and '.join(written.files))}: {written.content} ({size(written.bytes)})")
    if file is None or plot:
        found = project(run, data=data, split=split or "test", device=device)
        output.data_json(found) if json else _draw(found, split or "test")


def _draw(found: Projection, split: str) -> None:
    """Draw the scatter plot as wide as the terminal, explained variance above it and the classes below."""
    first, second = found.explained
    output.talk(
        f"PCA of h, {percent(first)} + {percent(second)} of the variance: {len(found.points):,} of {found.images:,} "
        f"{split} images at step {found.step:,}"
    )
    labels = {label: place for place, label in enumerate(found.classes)}
    points = [(point.x, point.y, labels[point.label] if point.label else -1) for point in found.points]
    height = min(_TALLEST, max(8, shutil.get_terminal_size((100, 30)).lines - 4))
    width = min(output.width(), 160)
    output.cells(Scatter(points, width, height).draw(unicode=streams.is_utf8()))
    output.cells(_legend(found.classes, width))


def _legend(classes: Sequence[str], width: int) -> list[Line]:
    """Return the marks of the classes with their names, in as many lines as they need."""
    lines: list[Line] = [[]]
    used = 0
    for place, label in enumerate(classes):
        mark, style = class_mark(place if label else -1)
        words = f" {safe(label) or 'no class'}  "
        if used and used + 1 + width_of(words) > width:
            lines.append([])
            used = 0
        lines[-1] += [(mark, style), (words, "")]
        used += 1 + width_of(words)
    return lines
