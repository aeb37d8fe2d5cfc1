"""`simclr clone RUN --temp 0.1`: start a new run from another run's recipe, with changes."""

from __future__ import annotations

from typing import Any

from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import (
    DEFAULT_RUNS,
    After,
    Cpus,
    Detach,
    Name,
    Nodes,
    Note,
    On,
    Partition,
    Priority,
    Queued,
    RunName,
    Runs,
    Tags,
    Time,
)
from simclr_tui.cli.recipe_options import with_recipe_flags


@with_recipe_flags
def clone(
    source: RunName,
    *,
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
    """Start a new run from another run's recipe; flags change individual fields.

    It trains on this machine, wherever the other run did, unless --on says otherwise.
    """
    from simclr_tui.cli.launch import launch
    from simclr_tui.launch.metadata import Metadata
    from simclr_tui.launch.placement import JobOptions
    from simclr_tui.launch.plan import plan_clone
    from simclr_tui.store.store import Store

    store, options = Store(runs), JobOptions(partition=partition, time=time, cpus=cpus, nodes=nodes)
    plan = plan_clone(find_run(store, source), flags, here=on == "here")
    metadata = Metadata(name=name, tags=tuple(tag or ()), note=note)
    launch(
        store, plan, metadata=metadata, on=on, options=options, detach=detach,
        queue=queue, priority=priority, after=after or (),
    )  # fmt: skip
