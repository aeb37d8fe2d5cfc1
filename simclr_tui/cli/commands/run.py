"""`simclr run`: start training in its own process and follow it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from simclr_tui.cli.options import (
    DEFAULT_RUNS,
    After,
    Config,
    Cpus,
    Detach,
    Name,
    Nodes,
    Note,
    On,
    Partition,
    Priority,
    Queued,
    Runs,
    Tags,
    Time,
    complete_preset,
)
from simclr_tui.cli.recipe_options import with_recipe_flags
from simclr_tui.recipe.presets import preset_names


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
    config: Config = None,
    detach: Detach = False,
    queue: Queued = False,
    priority: Priority = 0,
    after: After = None,
    on: On = "here",
    partition: Partition = "",
    time: Time = "",
    cpus: Cpus = 0,
    nodes: Nodes = 0,
    name: Name = None,
    tag: Tags = None,
    note: Note = "",
    runs: Runs = DEFAULT_RUNS,
    flags: dict[str, Any],
) -> None:
    """Train SimCLR in its own process and follow it.

    Ctrl-C stops it with a checkpoint; closing the terminal does not stop it. --config overrides the preset, and flags
    override both.
    """
    from simclr_tui.cli.launch import launch
    from simclr_tui.launch.metadata import Metadata
    from simclr_tui.launch.placement import JobOptions
    from simclr_tui.launch.plan import make_plan
    from simclr_tui.store.store import Store

    plan = make_plan(preset, config, flags, here=on == "here")
    store, options = Store(runs), JobOptions(partition=partition, time=time, cpus=cpus, nodes=nodes)
    metadata = Metadata(name=name, tags=tuple(tag or ()), note=note)
    launch(
        store, plan, metadata=metadata, on=on, options=options, detach=detach,
        queue=queue, priority=priority, after=after or (),
    )  # fmt: skip
