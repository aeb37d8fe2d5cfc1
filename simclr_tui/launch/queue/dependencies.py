"""Say what a queued run waits for, in one wording for the dispatcher, `queue ls` and the dashboard."""

from __future__ import annotations

from typing import NamedTuple

from simclr_tui.errors import StoreError, UnansweredError
from simclr_tui.launch.queue.users import waits_for_user
from simclr_tui.store.checkpoints import run_id
from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket
from simclr_tui.text import safe


class Waits(NamedTuple):
    """Say why a run waits for other runs: `reason` is empty when it lacks only a free slot.

    `hopeful` is True if the wait can end without the user. A run that waits for a waiting run is not hopeful itself:
    that other run is, or is not.
    """

    reason: str
    hopeful: bool


def waits_for(store: Store, ticket: Ticket) -> Waits:
    """Return what a ticket's run waits for: the runs it names must finish; a failed or stopped one must be resumed.

    What another user queued waits for that user's dispatcher.
    """
    for number, name in enumerate(ticket.after):
        known = ticket.after_ids[number] if number < len(ticket.after_ids) else ""
        try:
            run = _found(store, name, known)
            state = run.state
        except UnansweredError as error:
            return Waits(f"waits for {safe(name)}, which cannot be read", error.may_pass)
        except StoreError:
            return Waits(f"waits for {safe(name)}, which is not there", False)
        if state != "finished":
            return Waits(f"waits for {safe(run.name)}, which is {state}", state in ACTIVE)
    return Waits(waits_for_user(store, ticket), True)


def _found(store: Store, name: str, known: str) -> Run:
    """Return the run with that id, even if it was renamed. Raises StoreError where there is none."""
    run = store.run(name)
    if not known or run_id(run.paths, strict=True) == known:
        return run
    for other in store.names():
        if run_id(store.run(other).paths, strict=True) == known:
            return store.run(other)
    raise StoreError(f"{name} is not there", "see simclr ls")
