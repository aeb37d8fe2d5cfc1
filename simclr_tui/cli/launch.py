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
    from simclr_tui.launch.placement import Placement, Queue
    from simclr_tui.launch.plan import Plan
    from simclr_tui.store.store import Store


def turn_in_queue(store: Store, *, queue: bool, priority: int, after: Sequence[str]) -> Queue | None:
    """Return the place in the queue that was asked for; None where the run is to start now. Raises StoreError."""
    from simclr_tui.launch.placement import Queue

    if not (queue or priority or after):
        return None
    return Queue(priority=priority, after=tuple(find_to_change(store, word).name for word in after))


def launch(store: Store, plan: Plan, placement: Placement, *, metadata: Metadata, detach: bool) -> None:
    """Submit a run, and follow it unless it is detached, waits in the queue or is a job. Exits with the run's code."""
    from simclr_tui.launch.placement import Here

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
