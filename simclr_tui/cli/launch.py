"""Start a planned run where `simclr run` and `simclr clone` were told to, and follow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from simclr_tui.cli import output
from simclr_tui.cli.find import find_to_change
from simclr_tui.cli.placed import tell_placement
from simclr_tui.cli.plan_notes import print_notes
from simclr_tui.text import safe, size

if TYPE_CHECKING:
    from simclr_tui.launch.metadata import Metadata
    from simclr_tui.launch.placement import JobOptions, Queue, Where
    from simclr_tui.launch.plan import Plan
    from simclr_tui.store.store import Store


def launch(
    store: Store, plan: Plan, *, metadata: Metadata, on: Where, options: JobOptions, detach: bool,
    queue: bool, priority: int, after: Sequence[str],
) -> None:  # fmt: skip
    """Submit a run, and follow it unless it is detached, waits in the queue or is a job. Exits with the run's code."""
    from simclr_tui.launch.placement import Here, choose_placement

    place = _place_in_queue(store, priority=priority, after=after) if queue or priority or after else None
    placement = choose_placement(on, plan.resolved, options, queue=place)
    print_notes(plan)
    started = placement.submit(store, plan, metadata)
    if not isinstance(placement, Here):
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


def _place_in_queue(store: Store, *, priority: int, after: Sequence[str]) -> Queue:
    from simclr_tui.launch.placement import Queue

    return Queue(priority=priority, after=tuple(find_to_change(store, word).name for word in after))
