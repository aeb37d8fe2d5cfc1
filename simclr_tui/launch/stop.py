"""Stop a run: first politely, with a checkpoint, then by force."""

from __future__ import annotations

import time

import msgspec

from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import StoreError, UnansweredError
from simclr_tui.launch.placement import placement_of
from simclr_tui.store.run import Run
from simclr_tui.store.state import OPEN, State, observe, write_state
from simclr_tui.store.store import Store

GRACE = 60.0  # seconds for the current step and its checkpoint


def request_stop(run: Run, who: str = "the user") -> None:
    """Ask the trainer to finish its step, save a checkpoint and end. Returns at once.

    A queued run is taken out of the queue. Raises StoreError when the run neither trains nor waits.
    """
    placement_of(run).stop(run, who=who)


def wait_until_ended(run: Run, timeout: float) -> State | None:
    """Return the final state, or None when the run still trains after `timeout` seconds.

    A folder that cannot be read is read again until then. Raises UnansweredError if it still cannot be.
    """
    deadline = time.monotonic() + timeout
    placement, store = placement_of(run), Store(run.path.parent)
    while True:
        late = time.monotonic() >= deadline
        placement.refresh(store)
        try:
            status = observe(run.paths)
            if status.state not in OPEN:
                return status
        except UnansweredError:
            if late:
                raise
        if late:
            return None
        time.sleep(placement.poll)


def stop(run: Run, grace: float = GRACE) -> State:
    """Stop a run and wait for its end; kill a trainer stuck beyond `grace` seconds with its whole group."""
    request_stop(run)
    return wait_until_ended(run, grace) or kill(run)


def kill(run: Run) -> State:
    """End a run's processes now; it can be resumed from its last checkpoint. The queue does not bring it back.

    Raises StoreError when it is not training.
    """
    placement_of(run).stop(run, who="the user", now=True)
    ended = wait_until_ended(run, 10.0)
    if ended is None:
        raise StoreError(f"{run.name} could not be killed", "a process that hangs in the kernel goes at the next boot")
    if ended.state in ("lost", "failed"):  # its processes saw only a signal; the sender is known here
        reason = f"killed by you at step {ended.step:,}"
        ended = msgspec.structs.replace(ended, state="failed", reason=reason, since=SYSTEM_CLOCK.wall())
        write_state(run.paths, ended)
    return ended
