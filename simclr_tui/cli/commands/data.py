"""`simclr data`: which images there are, and getting more."""

from __future__ import annotations

import subprocess
from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.interpreter import python_module
from simclr_tui.recipe.datasets import KNOWN

app = typer.Typer(help="List and download data sets.", no_args_is_help=True)


@app.command("ls")
def ls() -> None:
    """List the known data sets and whether they are on disk."""
    from simclr_tui.recipe.datasets import data_root, on_disk

    rows = [
        [
            info.name,
            f"{info.train:,}",
            f"{info.test:,}",
            str(info.classes),
            f"{info.size} px",
            "made on the spot" if name == "shapes" else "on disk" if on_disk(name) else "to be downloaded",
        ]
        for name, info in KNOWN.items()
    ]
    output.table(["data", "train", "test", "classes", "size", ""], rows, right=(1, 2, 3, 4))
    output.talk(f"in {data_root()} (SIMCLR_DATA); your own images: --data folder:PATH, one folder a class or none")


@app.command("get")
def get(name: Annotated[str, typer.Argument(help=f"{', '.join(KNOWN)} or folder:PATH.")]) -> None:
    """Download and decode a data set now, instead of at its first run."""
    from simclr_tui.recipe.datasets import check_data

    check_data(name)
    raise typer.Exit(subprocess.run(python_module("simclr_tui.train.data", name), check=False).returncode)
