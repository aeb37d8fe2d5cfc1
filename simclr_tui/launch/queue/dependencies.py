"""What a queued run waits for, in words: the same for the dispatcher, `queue ls` and the dashboard."""

from __future__ import annotations

from typing import NamedTuple

from simclr_tui.errors import StoreError
from simclr_tui.store.checkpoints import run_id
from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket
from simclr_tui.text import safe


class Waits(NamedTuple):
    """`reason` is empty when nothing but a place is missing; `hopeful`, whether it can pass by itself: a run that
    waits for one that waits too does not count, it is that one which has hope or none."""

    reason: str
    hopeful: bool


def waits_for(store: Store, ticket: Ticket) -> Waits:
    """A run starts after those it names have finished; one that failed or was stopped must first be resumed."""
    for number, name in enumerate(ticket.after):
        known = ticket.after_ids[number] if number < len(ticket.after_ids) else ""
        try:
            run = _found(store, name, known)
            state = run.state
        except StoreError:
            return Waits(f"waits for {safe(name)}, which is not there", False)
        if state != "finished":
            return Waits(f"waits for {safe(run.name)}, which is {state}", state in ACTIVE)
    return Waits("", True)


def _found(store: Store, name: str, known: str) -> Run:
    """Return the run of that id, whatever it is called by now. Raises StoreError where there is none."""
    run = store.run(name)
    if not known or run_id(run.paths) == known:
        return run
    for other in store.names():
        if run_id(store.run(other).paths) == known:
            return store.run(other)
    raise StoreError(f"{name} is not there", "see simclr ls")
