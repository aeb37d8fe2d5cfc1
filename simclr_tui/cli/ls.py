"""`simclr ls`: every run, one line each."""

from __future__ import annotations

from typing import Annotated

import typer

from simclr_tui.cli import out
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, Runs
from simclr_tui.errors import RecipeError
from simclr_tui.text import did_you_mean, duration, number, percent


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
    from simclr_tui.launch.slurm import refresh
    from simclr_tui.store.store import Store

    passes = parse_filter(" ".join(words or []))
    column = sort.removeprefix("-")
    if column not in columns():
        raise RecipeError(f"no column {column!r} to sort by", did_you_mean(column, columns()) or "see simclr ls --json")
    store = Store(runs)
    refresh(store)
    rows = [row for row in Catalog(store).rows() if passes(row)]
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


def _cells(row: dict[str, object], shown: list[str]) -> list[str]:
    def value(name: str) -> float | None:
        found = row[name]
        return float(found) if isinstance(found, int | float) else None

    step, steps = value("step") or 0.0, value("steps") or 0.0
    flags = [word for word in str(row["flags"] or "").split(",") if word]
    flags += [f"place {row['place']}"] if row["place"] else []
    _, slurm, why = str(row["reason"] or "").partition("Slurm: ")
    flags += [f"Slurm: {why.rstrip(')')}"] if slurm and row["state"] == "queued" else []
    return [
        str(row["name"]),
        out.state_cell(str(row["state"]), flags),
        *[str(row[name]) for name in shown],
        percent(step / steps) if steps else "–",
        number(value("loss")),
        percent(value("knn")),
        percent(value("knn_best")),
        number(value("images_per_s")),
        duration(value("elapsed")),
        str(row["tags"] or ""),
    ]
