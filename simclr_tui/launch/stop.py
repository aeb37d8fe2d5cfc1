"""Stop a run: first politely, with a checkpoint, then by force."""

from __future__ import annotations

import signal
import time

import msgspec

from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import StoreError
from simclr_tui.store.events import EventLog
from simclr_tui.store.process import ProcessId, send_signal
from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE, State, observe, write_state

GRACE = 60.0  # seconds for the step in flight and its checkpoint
_NAMED_WITHIN = 10.0  # seconds until a trainer must have said who it is


def request_stop(run: Run, who: str = "the user") -> None:
    """Ask the trainer to finish its step, save a checkpoint and end. Returns as soon as it was asked.

    Raises StoreError when the run is not training.
    """
    status = _active(run)
    events = EventLog(run.paths.attempt(status.attempt))
    events.write("stop-requested", f"by {who}", step=status.step)
    events.close()
    process = _trainer(run)
    if process is not None:
        send_signal(process, signal.SIGTERM)


def _active(run: Run) -> State:
    status = run.status
    if status.state not in ACTIVE:
        raise StoreError(f"{run.name} is not training, it is {status.state}", "see simclr ls")
    return status


def _trainer(run: Run) -> ProcessId | None:
    """The process to signal. A trainer names itself once it can be signalled, moments after its start; one that
    does not is stood in for by its supervisor. None when the run has ended meanwhile."""
    deadline = time.monotonic() + _NAMED_WITHIN
    while True:
        status = run.status
        if status.state not in ACTIVE:
            return None
        if status.process is not None or time.monotonic() > deadline:
            return status.process or status.supervisor
        time.sleep(0.02)


def wait_until_ended(run: Run, timeout: float) -> State | None:
    """The final state, or None when the run still trains after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        status = observe(run.paths)
        if status.state not in ACTIVE:
            return status
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.05)


def stop(run: Run, grace: float = GRACE) -> State:
    """Stop and wait; a trainer that is stuck beyond `grace` seconds is killed with its whole group."""
    request_stop(run)
    return wait_until_ended(run, grace) or kill(run)


def kill(run: Run) -> State:
    """End a run's processes now; it can be resumed from its last checkpoint.

    Raises StoreError when it is not training.
    """
    _active(run)
    process = _trainer(run)
    if process is not None:
        send_signal(process, signal.SIGKILL, group=True)
    ended = wait_until_ended(run, 10.0)
    if ended is None:
        raise StoreError(f"{run.name} could not be killed", "a process that hangs in the kernel goes at the next boot")
    if ended.state == "lost":
        ended = msgspec.structs.replace(ended, state="failed", reason="killed on request", since=SYSTEM_CLOCK.wall())
        write_state(run.paths, ended)
    return ended
