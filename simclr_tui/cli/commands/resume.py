"""`simclr resume RUN`: continue exactly where a run left off."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import DEFAULT_RUNS, Cpus, Nodes, Partition, RunName, Runs, Time, check_place


def resume(
    name: RunName,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return at once.")] = False,
    on: Annotated[
        Literal["local", "slurm"], typer.Option("--on", help="This machine, or a job of the cluster's Slurm.")
    ] = "local",
    partition: Partition = "",
    time: Time = "",
    cpus: Cpus = 0,
    nodes: Nodes = 0,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Resume a run from its newest checkpoint, exactly as if it had never stopped.

    A Slurm job requests what the run's last job did, except for the options given here.
    """
    from simclr_tui.launch.slurm.jobs import refresh, resources_again, resubmit
    from simclr_tui.launch.start import resume as start_again
    from simclr_tui.store.store import Store

    check_place(on, partition, time, cpus, nodes)
    store = Store(runs)
    refresh(store)
    run = store.find(name)
    if on == "slurm":
        job = resubmit(run, resources_again(run, partition, time, cpus, nodes))
        return output.talk(f"{run.name} is Slurm job {job.id}; see simclr ls, follow it with: simclr attach {run.name}")
    attempt = start_again(run)
    output.talk(f"Resumed {run.name} (attempt {attempt})")
    if detach:
        return output.data(run.name)
    from simclr_tui.cli.follow import follow

    raise typer.Exit(follow(run))
