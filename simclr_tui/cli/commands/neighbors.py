"""`simclr neighbors RUN IMAGE`: show which images an encoder considers similar."""

from __future__ import annotations

from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, Data, Device, RunName, Runs, Split


def neighbors(
    name: RunName,
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="An image file, or the index of a test image.")],
    data: Data = None,
    split: Split = "train",
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="Number of neighbours.")] = 8,
    device: Device = "auto",
    json: AsJson = False,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Draw the images nearest to a given image, by cosine similarity of h.

    Uses the run's newest checkpoint.
    """
    from simclr_tui.launch.tasks import neighbors as find
    from simclr_tui.store.store import Store

    run = find_run(Store(runs), name)
    found = find(run, image, data=data, split=split, k=k, device=device)
    if json:
        rows = [
            {"index": n.index, "split": n.split, "label": n.label, "path": n.path, "similarity": n.similarity}
            for n in found.neighbors
        ]
        return output.data_json({"run": run.name, "step": found.step, "images": found.images, "neighbors": rows})
    from simclr_tui.cli.pictures import print_pictures

    output.talk(f"nearest of {found.images:,} images by cosine similarity of h at step {found.step:,}, closest first")
    if found.channels:
        output.talk(found.channels)
    near = [(f"{n.similarity:.3f}  {n.label or n.path or n.index}", n.picture) for n in found.neighbors]
    return print_pictures([(f"query  {found.label}", found.query), *near])
