"""`simclr resume RUN`: continue exactly where a run left off."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_to_change
from simclr_tui.cli.options import DEFAULT_RUNS, Cpus, ExactName, Nodes, Partition, Runs, Time


def resume(
    name: ExactName,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return at once.")] = False,
    on: Annotated[
        Literal["here", "slurm"] | None,
        typer.Option("--on", help="here or slurm (default: where it trained last).", show_default=False),
    ] = None,
    data: Annotated[
        str, typer.Option("--data", help="Where the same images lie now, if they were moved.", show_default=False)
    ] = "",
    accept_data: Annotated[
        bool, typer.Option("--accept-data", help="Go on though the images have changed; the schedule stays.")
    ] = False,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, help="Train a run that has ended to N epochs in all.", show_default=False),
    ] = None,
    queue: Annotated[
        bool, typer.Option("--queue", "-q", help="Wait for a free place instead of starting now; see simclr queue.")
    ] = False,
    partition: Partition = "",
    time: Time = "",
    cpus: Cpus = 0,
    nodes: Nodes = 0,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Resume a run from its newest checkpoint, exactly as if it had never stopped.

    A run that trained on Slurm resumes there; its job requests what the last one did, except for the options given
    here.
    """
    from simclr_tui.cli.placed import tell_placement
    from simclr_tui.launch.extend import extend
    from simclr_tui.launch.placement import Here, JobOptions, Queue, placement_to_resume, refresh
    from simclr_tui.recipe.datasets import absolute, check_data
    from simclr_tui.store.data_facts import data_marked
    from simclr_tui.store.store import Store

    store, options = Store(runs), JobOptions(partition=partition, time=time, cpus=cpus, nodes=nodes)
    refresh(store)
    run = find_to_change(store, name)
    if data:
        check_data(data)
    with data_marked(run.path, accept=accept_data, moved_to=absolute(data) if data else ""):
        if epochs is not None:
            output.talk(f"{run.name} goes on {extend(run, epochs)}")
        placement = placement_to_resume(run, on, options, queue=Queue() if queue else None)
        placement.requeue(run)
    tell_placement(store, placement, [run])
    if not isinstance(placement, Here):
        return None
    if detach:
        return output.data(run.name)
    from simclr_tui.cli.follow import follow

    raise typer.Exit(follow(run))
