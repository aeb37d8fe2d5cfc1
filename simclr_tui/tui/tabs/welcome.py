"""What the dashboard shows over a store without runs: how to start one, and what its numbers will mean."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_FIRST = {
    "n": "opens a form; ^s there starts the run as it stands, which suits this machine. Without a GPU, that trains a "
    "small encoder on the bundled images, in a few minutes.",
    "simclr run": "does the same in a shell.",
    "q": "leaves; runs go on without the dashboard.",
    "?": "finds a key by what you want to do.",
}
_FIGURES = {
    "kNN": "the accuracy of a nearest-neighbour classifier on what the encoder makes of images: the number to watch. "
    "It is measured before the first step too, so that you see what training adds. With ten balanced classes, 10 % is "
    "chance.",
    "loss": "NT-Xent. It starts near ln(2N − 1) for a batch of N images, 5.5 for 128, and falls. Compare it only "
    "between runs with the same batch size and temperature.",
    "rank": "how many directions the representation uses. Tens to hundreds are healthy; near 1 the encoder has "
    "collapsed, and the run is flagged.",
}


def welcome() -> RenderableType:
    """Return the page, which fits itself to its width."""
    return Group(
        Text("A first run", style="bold underline"),
        _table(_FIRST),
        Text("\nWhat you will see", style="bold underline"),
        _table(_FIGURES),
        Text("\nsimclr explain knn (loss, rank, temperature …) says more.", style="dim"),
    )


def _table(rows: dict[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(ratio=1)
    for name, words in rows.items():
        table.add_row(name, Text(words))
    return table
