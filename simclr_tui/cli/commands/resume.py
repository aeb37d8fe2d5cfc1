"""`simclr resume RUN`: go on exactly where it was."""

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
    """Go on from the newest checkpoint, exactly: the result is that of a run that never stopped.

    A Slurm job asks for what the run's last one did, but for the options given here.
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
        return output.talk(f"{run.name} is job {job.id} of Slurm; see simclr ls, follow it: simclr attach {run.name}")
    attempt = start_again(run)
    output.talk(f"{run.name}: attempt {attempt}")
    if detach:
        return output.data(run.name)
    from simclr_tui.cli.follow import follow

    raise typer.Exit(follow(run))
