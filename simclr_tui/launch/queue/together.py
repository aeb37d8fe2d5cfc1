"""Make many queued runs at once, which share their waits for the disk."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from simclr_tui.deferred_sync import DeferredSync
from simclr_tui.launch.metadata import Metadata
from simclr_tui.launch.plan import Plan
from simclr_tui.launch.start import filled, publish
from simclr_tui.store.events import record
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket


class NewRun(NamedTuple):
    """Hold what a queued run is made from. Its recipe's digest is filled into the ticket."""

    plan: Plan
    metadata: Metadata
    ticket: Ticket


def create_together(store: Store, new: Sequence[NewRun]) -> list[Run]:
    """Make queued runs with two waits for the disk in all, and record that they were queued.

    A kill, or the loss of power, leaves each of them whole or not made. Raises StoreError as `create` does; it leaves
    no part of a run then, and keeps only runs that were whole already. All are held at once: give no more than a
    hundred, since each needs a file descriptor.
    """
    system = DeferredSync()
    with contextlib.ExitStack() as held:
        runs = [
            held.enter_context(filled(store, one.plan, one.metadata, queued=True, ticket=one.ticket, system=system))
            for one in new
        ]
        system.settle()
        for run, one in zip(runs, new, strict=True):
            publish(run, system)
            after = f"after {', '.join(one.ticket.after)}" if one.ticket.after else ""
            record(run.paths, 1, "queued", message=after, system=system)
        system.settle()
    return runs
