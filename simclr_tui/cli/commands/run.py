"""`simclr run`: start training in its own process and follow it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_to_change
from simclr_tui.cli.options import DEFAULT_RUNS, Cpus, Nodes, Partition, Runs, Time, complete_preset
from simclr_tui.cli.plan_notes import print_notes
from simclr_tui.cli.recipe_options import with_recipe_flags
from simclr_tui.recipe.presets import preset_names
from simclr_tui.text import safe, size


@with_recipe_flags
def run(
    *,
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            "-p",
            help=f"auto, or one of {', '.join(preset_names())}.",
            show_default=True,
            autocompletion=complete_preset,
        ),
    ] = "auto",
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="TOML file that overrides the preset.", show_default=False)
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Print the run's name and return at once.")] = False,
    queue: Annotated[
        bool, typer.Option("--queue", "-q", help="Queue the run instead of starting it now; see `simclr queue`.")
    ] = False,
    priority: Annotated[
        int, typer.Option("--priority", help="Queue it with this priority; higher starts earlier.")
    ] = 0,
    after: Annotated[
        list[str] | None,
        typer.Option(
            "--after", metavar="RUN", help="Queue it, to start after RUN has finished. Repeatable.", show_default=False
        ),
    ] = None,
    on: Annotated[
        Literal["here", "slurm"], typer.Option("--on", help="Train on this machine, or as a Slurm job.")
    ] = "here",
    partition: Partition = "",
    time: Time = "",
    cpus: Cpus = 0,
    nodes: Nodes = 0,
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="Name of the run.", show_default="run1, run2, …")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Tag. Repeatable.", show_default=False)] = None,
    note: Annotated[str, typer.Option("--note", help="A note to remember it by.", show_default=False)] = "",
    runs: Runs = DEFAULT_RUNS,
    flags: dict[str, Any],
) -> None:
    """Train SimCLR in its own process and follow it.

    Ctrl-C stops it with a checkpoint; closing the terminal does not stop it. --config overrides the preset, and flags
    override both.
    """
    from simclr_tui.cli.placed import tell_placement
    from simclr_tui.launch.metadata import Metadata
    from simclr_tui.launch.placement import JobOptions, Queue, choose_placement
    from simclr_tui.launch.plan import make_plan
    from simclr_tui.store.store import Store

    plan = make_plan(preset, config, flags, here=on == "here")
    store, options = Store(runs), JobOptions(partition=partition, time=time, cpus=cpus, nodes=nodes)
    waits = bool(queue or after or priority)
    named = tuple(find_to_change(store, word).name for word in after or [])
    turn = Queue(priority=priority, after=named) if waits else None
    placement = choose_placement(on, plan.resolved, options, queue=turn)
    print_notes(plan)
    started = placement.submit(store, plan, Metadata(name=name, tags=tuple(tag or ()), note=note))
    if waits or on == "slurm":
        output.data(started.name)
        return tell_placement(store, placement, [started])
    if detach:
        output.data(started.name)
        output.talk(f"Training in the background; follow it with: simclr attach {started.name}, or simclr tui")
        return None
    recipe = plan.resolved.recipe
    output.talk(
        f"{started.name}: {safe(recipe.data)}, {recipe.encoder} ×{recipe.width:g}, {plan.cost.parameters / 1e6:.2f} M "
        f"parameters, {plan.steps or '?'} steps, checkpoints of {size(plan.cost.checkpoint_bytes)}, in {started.path}"
    )
    from simclr_tui.cli.follow import follow

    raise typer.Exit(follow(started))
