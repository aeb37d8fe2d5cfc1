"""`simclr queue`: the runs that wait for a place, and the process that starts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, RunName, RunNames, Runs
from simclr_tui.errors import RecipeError, StoreError
from simclr_tui.text import safe

if TYPE_CHECKING:
    from simclr_tui.store.run import Run
    from simclr_tui.store.store import Store

app = typer.Typer(help="List, order, pause and start the runs that wait for a place.", no_args_is_help=True)


@app.command("ls")
def ls(json: AsJson = False, runs: Runs = DEFAULT_RUNS) -> None:
    """List the runs that wait, the next first, and say whether the queue moves."""
    from simclr_tui.launch.queue.dependencies import waits_for
    from simclr_tui.launch.queue.queue import dispatches, settings, waiting_runs, why_paused
    from simclr_tui.store.store import Store

    store = Store(runs)
    waiting = waiting_runs(store)
    rows = [
        {
            "place": place,
            "name": name,
            "priority": ticket.priority,
            "after": list(ticket.after),
            "retries": len(ticket.retried),
            "waits": waits_for(store, ticket).reason,
        }
        for place, (name, ticket) in enumerate(waiting.items(), start=1)
    ]
    why, working, slots = why_paused(store), dispatches(store), settings(store).slots
    if json:
        return output.data_json({"paused": why, "dispatching": working, "slots": slots, "waiting": rows})
    if rows:
        cells = [[str(row["place"]), str(row["name"]), str(row["priority"]), str(row["waits"])] for row in rows]
        output.table(["place", "run", "priority", "waits for"], cells, right=[0, 2])
    output.talk(_status(len(rows), why, working, slots))
    return None


def _status(count: int, why: str, working: bool, slots: int) -> str:
    each = f"{slots} at once on each GPU, or on the CPU"
    if why:
        return f"paused: {safe(why)}; {count} waiting, {each}; go on with: simclr queue start"
    if working:
        return f"moving: {count} waiting, {each}"
    return f"{count} waiting, {each}" + ("; nothing starts them: simclr queue start" if count else "")


@app.command("pause")
def pause(runs: Runs = DEFAULT_RUNS) -> None:
    """Start nothing more; runs under way go on."""
    from simclr_tui.launch.queue.queue import pause as pause_queue
    from simclr_tui.store.store import Store

    pause_queue(Store(runs))
    output.talk("paused; go on with: simclr queue start")


@app.command("start")
def start(
    slots: Annotated[
        int | None,
        typer.Option(
            "--slots", min=1, max=1000, help="Runs at once on each GPU, or on the CPU. Kept.", show_default=False
        ),
    ] = None,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Go on after a pause, a restart of the machine or a crash; --slots changes how many train at once."""
    from simclr_tui.launch.queue.queue import dispatches, ensure_dispatcher, settings, unpause, waiting_runs
    from simclr_tui.store.store import Store

    store = Store(runs)
    unpause(store, slots)
    ensure_dispatcher(store)
    output.talk(_status(len(waiting_runs(store)), "", dispatches(store), settings(store).slots))


@app.command("move")
def move(
    name: RunName,
    before: Annotated[str | None, typer.Option("--before", metavar="RUN", help="To the place before it.")] = None,
    first: Annotated[bool, typer.Option("--first", help="Before all of its priority.")] = False,
    last: Annotated[bool, typer.Option("--last", help="Behind all of its priority.")] = False,
    priority: Annotated[int | None, typer.Option("--priority", help="Higher starts earlier.")] = None,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Give a waiting run another place."""
    from simclr_tui.launch.queue.queue import move as move_run
    from simclr_tui.launch.queue.queue import waiting_runs
    from simclr_tui.store.store import Store

    if (before is not None) + first + last > 1 or not (before or first or last or priority is not None):
        raise RecipeError("move needs one place", "give --first, --last, --before RUN or --priority N")
    store = Store(runs)
    run = store.find(name)
    move_run(store, run, store.find(before) if before else None, last or not (before or first), priority)
    output.talk(f"{run.name} is at place {list(waiting_runs(store)).index(run.name) + 1}")


@app.command("rm")
def rm(names: RunNames, runs: Runs = DEFAULT_RUNS) -> None:
    """Take runs out of the queue; each keeps its folder, as stopped."""
    from simclr_tui.launch.stop import take_out
    from simclr_tui.store.store import Store

    store = Store(runs)
    for run in [store.find(name) for name in names]:
        if not take_out(run):
            raise StoreError(f"{run.name} does not wait in the queue, it is {run.state}", "see simclr queue ls")
        output.talk(f"{run.name} left the queue; start it with: simclr resume {run.name}")


def tell_queued(store: Store, queued: list[Run]) -> None:
    """Set the queue going, and say where the runs stand or why nothing moves."""
    from simclr_tui.launch.queue.queue import ensure_dispatcher, waiting_runs

    waiting = list(waiting_runs(store))
    why = ensure_dispatcher(store)
    for run in queued:
        place = f"place {waiting.index(run.name) + 1} of {len(waiting)}" if run.name in waiting else run.state
        output.talk(f"{run.name} is queued, {place}; see simclr queue ls")
    if why:
        output.talk(f"the queue is paused: {safe(why)}; go on with: simclr queue start")
