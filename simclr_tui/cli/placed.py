"""Say how runs stand that were handed to the queue or to Slurm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simclr_tui.cli import output
from simclr_tui.text import safe

if TYPE_CHECKING:
    from simclr_tui.launch.placement import Placement
    from simclr_tui.store.run import Run
    from simclr_tui.store.store import Store


def tell_placement(store: Store, placement: Placement, runs: Sequence[Run]) -> None:
    """Set the runs going, and say where each stands or why nothing moves. Raises StoreError."""
    from simclr_tui.launch.catalog_updates import update_catalog

    standing = [placement.standing(run) for run in runs]  # before the first of them is started
    why = placement.wake(store)
    for sentence in standing:
        output.talk(sentence)
    tell_pause(why)
    update_catalog(store.root)


def tell_pause(why: str) -> None:
    """Say why the queue does not move; nothing where it does."""
    if why:
        output.talk(f"the queue is paused: {safe(why)}; continue with: simclr queue start")
