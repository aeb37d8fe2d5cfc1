"""`simclr ls`: list every run, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, Runs
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.display.glyphs import state_cell
from simclr_tui.errors import SimclrError
from simclr_tui.paths import QUEUE, QueuePaths
from simclr_tui.store.metrics.metric_table import GROUPED, LISTED, METRICS
from simclr_tui.store.state import ACTIVE
from simclr_tui.text import duration, percent, value_text

if TYPE_CHECKING:
    from simclr_tui.catalog.arrange import Group
    from simclr_tui.catalog.row import Row
    from simclr_tui.store.store import Store


def complete_filter(incomplete: str) -> list[str]:
    """Return filter terms for shell completion."""
    from simclr_tui.catalog.filter import complete_filter as complete

    return complete(incomplete)


def complete_column(incomplete: str) -> list[str]:
    """Return columns to sort, group or show, for shell completion."""
    from simclr_tui.catalog.arrange import sortable

    sign = "-" if incomplete.startswith("-") else ""
    return [sign + name for name in sortable() if name.startswith(incomplete.removeprefix("-"))]


def ls(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILTER…",
            help='List matching runs only, e.g. state:running "bs>=256" "knn>0.8" tag:paper word.',
            autocompletion=complete_filter,
        ),
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            "--sort",
            "-s",
            help="Column to sort by, the better values of a metric first; -COLUMN reverses it.",
            autocompletion=complete_column,
        ),
    ] = "created",
    group: Annotated[
        str | None,
        typer.Option(
            "--group", "-g", help="Group by a field or by tags, as mean ± std.", autocompletion=complete_column
        ),
    ] = None,
    shown: Annotated[str, typer.Option("--columns", "-C", help="Columns to show, separated by commas.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-l", min=0, help="Show at most N runs (0: all).")] = 0,
    wide: Annotated[
        bool, typer.Option("--wide", "-w", help="Show every column whole, however narrow the terminal.")
    ] = False,
    json: AsJson = False,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """List runs with their state, progress, metrics and the recipe fields that differ."""
    from simclr_tui.catalog.arrange import columns_read, find_order, group_rows, sort_rows
    from simclr_tui.catalog.catalog import Catalog
    from simclr_tui.catalog.filter import parse_filter
    from simclr_tui.catalog.row import find_column, parse_columns, public
    from simclr_tui.store.names import misnamed_sentence
    from simclr_tui.store.store import Store

    passes = parse_filter(" ".join(words or []))
    column, descending = find_order(sort)
    chosen, by = parse_columns(shown), find_column(group, "group by") if group else ""
    store = Store(runs)
    _ask_slurm(store)
    catalog = Catalog(store)

    def arranged(rows: list[Row]) -> list[Row]:
        found = sort_rows([row for row in rows if passes(row)], column, descending)
        return found[-limit:] if limit and sort == "created" else found[: limit or None]

    some = None
    if not (by or _tells()):
        if limit and sort == "created" and not words:
            some = catalog.newest(limit)
        elif (limit or words) and passes.reads is not None:
            some = catalog.pick(arranged, passes.reads | columns_read(column))
    if some is not None:
        rows, best = some.rows, set(some.best)
    else:
        every = catalog.rows()
        _tell_missed(store, every)
        rows, best = arranged(every), set() if json or by else _best(every)
    groups = group_rows(rows, by) if by else []
    if json:
        return output.data_json_list((one.as_json() for one in groups) if groups else map(public, rows))
    if misnamed := store.misnamed():
        output.talk(misnamed_sentence(misnamed))
    if not rows:
        return output.talk("no runs match this filter" if words else "no runs yet; start one with: simclr run")
    _print_groups(groups, wide) if groups else _print_rows(rows, chosen, column, best=best, wide=wide)
    return None


def _ask_slurm(store: Store) -> None:
    """Bring runs on Slurm up to date. Where none ever trained there, what launches runs is not even imported."""
    if QueuePaths(store.root / QUEUE).slurm.exists():
        from simclr_tui.launch.placement import refresh

        refresh(store)


def _tell_missed(store: Store, rows: list[Row]) -> None:
    """Tell the ends that nobody has told, if the user wants to be told."""
    if _tells():
        from simclr_tui.launch.tell import tell_missed

        tell_missed(store.root, rows, SYSTEM_CLOCK.wall())


def _tells() -> bool:
    """Return whether the user wants to be told of ends; a damaged configuration tells nothing."""
    from simclr_tui.config import read_config

    with suppress(SimclrError):
        return read_config().tells
    return False


def _print_groups(groups: list[Group], wide: bool) -> None:
    from simclr_tui.catalog.arrange import not_averaged
    from simclr_tui.catalog.row import cell_text

    known = [figure for figure in GROUPED if any(group.spread(figure) for group in groups)]
    rows = [
        [
            cell_text(group.column, group.value),
            group.count,
            *[_spread_cell(figure, group) for figure in known],
            ", ".join(str(row["name"]) for row in group.rows),
        ]
        for group in groups
    ]
    titles = [METRICS[figure].short for figure in known]
    output.table([groups[0].column, "runs", *titles, "names"], rows, right=range(1, len(known) + 2), wide=wide)
    for sentence in not_averaged(groups):
        output.talk(sentence)


def _spread_cell(figure: str, group: Group) -> str:
    """Return mean ± std, with the number of runs where some of those that are averaged lack the figure."""
    from simclr_tui.catalog.arrange import spread_text

    found = group.spread(figure)
    some = found is not None and found.count < group.sound
    return spread_text(figure, found) + (f" (n={found.count})" if found and some else "")


def _print_rows(rows: list[Row], chosen: tuple[str, ...], sorted_by: str, *, best: set[str], wide: bool) -> None:
    from simclr_tui.catalog.row import cell_text, differing

    if chosen:
        cells = [[str(row["name"]), _state(row), *[cell_text(name, row.get(name)) for name in chosen]] for row in rows]
        titles = ["run", "state", *chosen]
        return output.table(titles, cells, right=range(2, len(titles)), drop=titles[:2:-1], wide=wide)
    shown = differing(rows)[:6] or ["bs", "temp"]
    under_way = any(row["state"] in ACTIVE for row in rows)
    figures = [METRICS[name].short for name in LISTED]
    titles = ["run", "state", *shown, "progress", *(["ETA"] if under_way else []), *figures, "time", "tags"]
    kept = ("run", "kNN", METRICS[sorted_by].short if sorted_by in METRICS else sorted_by)
    # Left out first: what says least at a glance; of the recipe, the last of the fields that differ.
    drop = ["tags", "time", *reversed(figures), "progress", *reversed(shown), "state", "ETA"]
    drop = [title for title in drop if title not in kept]
    lines = list(zip(*_columns(rows, shown, under_way, best=best), strict=True))
    return output.table(titles, lines, right=range(2, len(titles) - 1), drop=drop, wide=wide)


def _best(rows: list[Row]) -> set[str]:
    """Return the runs with the best kNN of those that can be compared, as the dashboard stars them."""
    from simclr_tui.catalog.references import best_runs, ranked_by_kind

    return set(best_runs(ranked_by_kind(rows)))


def _star(row: Row, best: set[str]) -> str:
    """Return what follows a run's kNN: a star, or the room for one if another run has it."""
    return "★" if row["name"] in best else " " if best else ""


def _eta(row: Row) -> str:
    if row["state"] not in ACTIVE or not row["steps"] or not row["steps_per_s"]:
        return ""
    return duration((row["steps"] - (row["step"] or 0)) / row["steps_per_s"])


def _state(row: Row) -> str:
    flags = [word for word in str(row["flags"] or "").split(",") if word]
    flags += [f"position {row['place']}"] if row["place"] else []
    _, slurm, why = str(row["reason"] or "").partition("Slurm: ")
    flags += [f"Slurm: {why.rstrip(')')}"] if slurm and row["state"] == "queued" else []
    return state_cell(str(row["state"]), flags)


def _columns(rows: list[Row], shown: list[str], under_way: bool, *, best: set[str]) -> list[Sequence[str]]:
    """Return the table's cells column by column, a quarter faster for ten thousand rows than row by row."""
    from simclr_tui.catalog.row import cell_texts

    def values(name: str) -> list[Any]:
        return [row[name] for row in rows]

    figures = {name: cell_texts(name, values(name)) for name in LISTED}
    figures["knn_best"] = [cell + _star(row, best) for cell, row in zip(figures["knn_best"], rows, strict=True)]
    return [
        values("name"),
        [_state(row) for row in rows],
        *[[value_text(value) for value in values(name)] for name in shown],
        [percent((row["step"] or 0) / row["steps"]) if row["steps"] else "–" for row in rows],
        *([[_eta(row) for row in rows]] if under_way else []),
        *figures.values(),
        [duration(elapsed) for elapsed in values("elapsed")],
        [tags or "" for tags in values("tags")],
    ]
