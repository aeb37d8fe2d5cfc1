"""Signal the process that trains a run on this machine."""

from __future__ import annotations

import signal
import time

from simclr_tui.errors import StoreError
from simclr_tui.store.process import ProcessId, send_signal
from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE, State

_NAMED_WITHIN = 10.0  # seconds until a trainer must have said who it is


def active_state(run: Run) -> State:
    """Return the state of a run that trains. Raises StoreError when it does not."""
    status = run.status
    if status.state not in ACTIVE:
        raise StoreError(f"{run.name} is not training, it is {status.state}", "see simclr ls")
    return status


def signal_trainer(run: Run, number: signal.Signals) -> None:
    """Signal the trainer; SIGKILL goes to its whole group. Does nothing when the run has ended meanwhile.

    Raises StoreError when the trainer belongs to another user.
    """
    process = _trainer(run)
    if process is not None:
        send_signal(process, number, group=number == signal.SIGKILL)


def _trainer(run: Run) -> ProcessId | None:
    """Return the process to signal; None when the run has ended meanwhile.

    A trainer names itself once it can be signalled, moments after its start; until then, and for one that never does,
    its supervisor stands in.
    """
    deadline = time.monotonic() + _NAMED_WITHIN
    while True:
        status = run.status
        if status.state not in ACTIVE:
            return None
        if status.process is not None or time.monotonic() > deadline:
            return status.process or status.supervisor
        time.sleep(0.02)
