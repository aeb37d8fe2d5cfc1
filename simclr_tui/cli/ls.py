"""`simclr ls`: every run, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from simclr_tui.cli import out
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, Runs
from simclr_tui.errors import RecipeError
from simclr_tui.text import did_you_mean, duration, number, percent

if TYPE_CHECKING:
    from simclr_tui.catalog.row import Row


def ls(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILTER…", help='For example: state:running "bs>=256" "knn>0.8" tag:paper word.'),
    ] = None,
    sort: Annotated[str, typer.Option("--sort", "-s", help="A column; -column turns it round.")] = "created",
    limit: Annotated[int, typer.Option("--limit", "-l", min=0, help="Show so many (0: all).")] = 0,
    json: AsJson = False,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """List runs with their state, the fields in which they differ, progress and figures."""
    from simclr_tui.catalog.catalog import Catalog
    from simclr_tui.catalog.filter import parse_filter
    from simclr_tui.catalog.row import columns, differing, public
    from simclr_tui.store.store import Store

    passes = parse_filter(" ".join(words or []))
    column = sort.removeprefix("-")
    if column not in columns():
        raise RecipeError(f"no column {column!r} to sort by", did_you_mean(column, columns()) or "see simclr ls --json")
    rows = [row for row in Catalog(Store(runs)).rows() if passes(row)]
    known = [row for row in rows if row[column] is not None]
    unknown = [row for row in rows if row[column] is None]
    rows = sorted(known, key=lambda row: row[column], reverse=sort.startswith("-")) + unknown
    rows = rows[-limit:] if limit and column == "created" else rows[: limit or None]
    if json:
        return out.data_json([public(row) for row in rows])
    if not rows:
        return out.talk("no runs here yet: simclr run starts one" if not words else "no run passes this filter")
    shown = differing(rows)[:6] or ["bs", "temp"]
    titles = ["run", "state", *shown, "progress", "loss", "kNN", "best", "images/s", "time", "tags"]
    out.table(titles, [_cells(row, shown) for row in rows], right=range(2, len(titles) - 1))
    return None


def _cells(row: Row, shown: list[str]) -> list[str]:
    step, steps = row["step"] or 0, row["steps"] or 0
    flags = [word for word in (row["flags"] or "").split(",") if word]
    return [
        row["name"],
        out.state_cell(row["state"], flags),
        *[str(row[name]) for name in shown],
        percent(step / steps) if steps else "–",
        number(row["loss"]),
        percent(row["knn"]),
        percent(row["knn_best"]),
        number(row["images_per_s"]),
        duration(row["elapsed"]),
        row["tags"] or "",
    ]
