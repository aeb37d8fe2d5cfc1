"""`simclr data`: which images there are, and getting more."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import AsJson
from simclr_tui.interpreter import python_module
from simclr_tui.recipe.data_sources import FORMS
from simclr_tui.recipe.datasets import KNOWN
from simclr_tui.text import safe, size

if TYPE_CHECKING:
    from simclr_tui.recipe.decoded import CacheEntry

app = typer.Typer(
    help=f"List, inspect and download data sets.\n\n--data takes a known name, or {FORMS}.", no_args_is_help=True
)


@app.command("ls")
def ls() -> None:
    """List the known data sets, whether they are on disk, and what decoded images take."""
    from simclr_tui.recipe.data_sources import SOURCES
    from simclr_tui.recipe.datasets import data_root, on_disk
    from simclr_tui.recipe.decoded import decoded_entries, decoded_folder

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
    output.talk(f"in {data_root()} (SIMCLR_DATA); your own images: --data folder:PATH, one folder a class or none,")
    output.talk(f"or {', '.join(kind.form for kind in SOURCES.values() if kind.prefix != 'folder')}")
    entries = decoded_entries()
    if entries:
        rows = [[safe(entry.data), size(entry.bytes), _idle(entry)] for entry in reversed(entries)]
        output.data()
        output.table(["decoded", "takes", "last used"], rows, right=(1,))
        total = size(sum(entry.bytes for entry in entries))
        output.talk(f"{total} of decoded images in {decoded_folder()}; simclr data clean frees what is not in use")


@app.command("get")
def get(name: Annotated[str, typer.Argument(metavar="NAME", help=f"{', '.join(KNOWN)} or folder:PATH.")]) -> None:
    """Download and decode a data set now, instead of at its first run."""
    from simclr_tui.recipe.datasets import check_data

    check_data(name)
    raise typer.Exit(subprocess.run(python_module("simclr_tui.train.data", name), check=False).returncode)


@app.command("inspect")
def inspect(
    data: Annotated[str, typer.Argument(metavar="DATA", help="folder:PATH or another source; see simclr data --help.")],
    range: Annotated[str, typer.Option("--range", help="As for simclr run.")] = "auto",
    channels: Annotated[str, typer.Option("--channels", help="As for simclr run.")] = "auto",
    labels: Annotated[str, typer.Option("--labels", help="As for simclr run.")] = "auto",
    tile: Annotated[str, typer.Option("--tile", help="As for simclr run.")] = "off",
    json: AsJson = False,
) -> None:
    """Look at your images before training: formats, values, classes, splits, what is left out, duplicates.

    Every header is read and some images are decoded. It ends in a recipe, with the reason for each value.
    """
    from simclr_tui.cli.data_report import print_report
    from simclr_tui.launch.data_look import inspect_command
    from simclr_tui.recipe.resolve import make_recipe
    from simclr_tui.store.data_report import DataReport

    recipe = make_recipe({"data": data, "range": range, "channels": channels, "labels": labels, "tile": tile})
    done = subprocess.run(inspect_command(recipe.data, recipe.reading), stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)
    report = msgspec.json.decode(done.stdout, type=DataReport)
    if json:
        output.data_json(report)
    else:
        print_report(report)


@app.command("clean")
def clean(
    unused: Annotated[int, typer.Option("--unused", help="Free what was not used for this many days.", min=0)] = 30,
    everything: Annotated[bool, typer.Option("--all", help="Free all decoded images.")] = False,
) -> None:
    """Free decoded images that have not been used for a while; they are decoded again when a run needs them."""
    from simclr_tui.recipe.decoded import decoded_entries, free

    freed = [entry for entry in decoded_entries() if everything or entry.idle_days >= unused]
    for entry in freed:
        free(entry)
        output.data(safe(f"freed {size(entry.bytes)}: {entry.data or entry.path.name}"))
    total = size(sum(entry.bytes for entry in freed))
    output.talk(f"{total} freed" if freed else f"nothing unused for {unused} days; --all frees everything")


def _idle(entry: CacheEntry) -> str:
    return "never" if not entry.used else "today" if entry.idle_days < 1 else f"{entry.idle_days:.0f} days ago"
