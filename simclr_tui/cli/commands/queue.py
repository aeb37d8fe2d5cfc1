"""`simclr queue`: manage queued runs and the dispatcher that starts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_all_to_change, find_to_change
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, ExactName, ExactNames, Runs
from simclr_tui.errors import RecipeError, StoreError
from simclr_tui.text import safe

if TYPE_CHECKING:
    from simclr_tui.store.store import Store
    from simclr_tui.store.ticket import Ticket

app = typer.Typer(help="List, reorder, pause and start queued runs.", no_args_is_help=True)


@app.command("ls")
def ls(json: AsJson = False, runs: Runs = DEFAULT_RUNS) -> None:
    """List queued runs, the next to start first, and say whether the queue is running."""
    from simclr_tui.launch.queue.dependencies import waits_for
    from simclr_tui.launch.queue.queue import dispatches, settings, waiting_runs, why_paused
    from simclr_tui.launch.queue.users import user_name
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
            "user": user_name(ticket.user),
            "waits": waits_for(store, ticket).reason,
        }
        for place, (name, ticket) in enumerate(waiting.items(), start=1)
    ]
    why, working, slots = why_paused(store), dispatches(store), settings(store).slots
    if json:
        return output.data_json({"paused": why, "dispatching": working, "slots": slots, "waiting": rows})
    if rows:
        cells = [[str(row["place"]), str(row["name"]), str(row["priority"]), str(row["waits"])] for row in rows]
        output.table(["position", "run", "priority", "waiting for"], cells, right=[0, 2])
    output.talk(_status(store, waiting, why, working=working, slots=slots))
    return None


def _status(store: Store, waiting: Mapping[str, Ticket], why: str, *, working: bool, slots: int) -> str:
    from simclr_tui.launch.queue.users import is_started_here

    count, ours = len(waiting), sum(map(is_started_here(store), waiting.values()))
    each = f"{slots} at a time per GPU, or on the CPU"
    if why:
        return f"paused: {safe(why)}; {count} waiting, {each}; continue with: simclr queue start"
    said = f"running: {count} waiting, {each}" if working else f"{count} waiting, {each}"
    if count > ours:
        said += f"; {count - ours} queued by other users (start them as yours: simclr queue start --everyone)"
    return said + ("" if working or not ours else "; no dispatcher is running: simclr queue start")


@app.command("pause")
def pause(runs: Runs = DEFAULT_RUNS) -> None:
    """Start no more queued runs; those already training continue."""
    from simclr_tui.launch.queue.queue import pause as pause_queue
    from simclr_tui.store.store import Store

    pause_queue(Store(runs))
    output.talk("paused; continue with: simclr queue start")


@app.command("start")
def start(
    slots: Annotated[
        int | None,
        typer.Option(
            "--slots", min=1, max=1000, help="Runs at a time per GPU, or on the CPU. Remembered.", show_default=False
        ),
    ] = None,
    everyone: Annotated[
        bool | None,
        typer.Option(
            "--everyone/--own",
            help="Also start what other users of this store queued, as your processes; --own: no longer. Remembered.",
            show_default=False,
        ),
    ] = None,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Continue after a pause, a reboot or a crash; --slots changes how many runs train at a time."""
    from simclr_tui.launch.queue.queue import dispatches, ensure_dispatcher, settings, unpause, waiting_runs
    from simclr_tui.launch.queue.users import start_for_everyone
    from simclr_tui.store.store import Store

    store = Store(runs)
    if everyone is not None:
        start_for_everyone(store, everyone)
    unpause(store, slots)
    ensure_dispatcher(store)
    output.talk(_status(store, waiting_runs(store), "", working=dispatches(store), slots=settings(store).slots))


@app.command("move")
def move(
    name: ExactName,
    before: Annotated[str | None, typer.Option("--before", metavar="RUN", help="Move in front of this run.")] = None,
    first: Annotated[bool, typer.Option("--first", help="Move to the front of its priority.")] = False,
    last: Annotated[bool, typer.Option("--last", help="Move to the back of its priority.")] = False,
    priority: Annotated[int | None, typer.Option("--priority", help="New priority; higher starts earlier.")] = None,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Move a queued run to another position."""
    from simclr_tui.launch.queue.queue import move as move_run
    from simclr_tui.launch.queue.queue import waiting_runs
    from simclr_tui.store.store import Store

    if (before is not None) + first + last > 1 or not (before or first or last or priority is not None):
        raise RecipeError("queue move needs one destination", "give --first, --last, --before RUN or --priority N")
    store = Store(runs)
    run = find_to_change(store, name)
    target = find_to_change(store, before) if before else None
    move_run(store, run, before=target, last=last or not (before or first), priority=priority)
    output.talk(f"Moved {run.name} to position {list(waiting_runs(store)).index(run.name) + 1}")


@app.command("rm")
def rm(names: ExactNames, runs: Runs = DEFAULT_RUNS) -> None:
    """Remove runs from the queue; each keeps its folder and becomes stopped."""
    from simclr_tui.launch.waiting import take_out
    from simclr_tui.store.store import Store

    store = Store(runs)
    for run in find_all_to_change(store, names):
        if not take_out(run):
            raise StoreError(f"{run.name} is not queued but {run.state}", "see simclr queue ls")
        output.talk(f"Removed {run.name} from the queue; start it with: simclr resume {run.name}")
