"""Signal the process that trains a run on this machine."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

from simclr_tui.atomic import lock_holder
from simclr_tui.boot import boot_id
from simclr_tui.errors import StoreError
from simclr_tui.store.process import ProcessId, check_may_signal, is_alive, send_signal, trains_elsewhere
from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE, State

_NAMED_WITHIN = 10.0  # seconds within which a trainer must record its process


def active_state(run: Run) -> State:
    """Return the state of a run that trains. Raises StoreError when it does not."""
    status = run.status
    if status.state not in ACTIVE:
        raise StoreError(f"{run.name} is not training, it is {status.state}", "see simclr ls")
    return status


def signal_trainer(run: Run, number: signal.Signals, *, first: Callable[[], object]) -> None:
    """Signal the trainer; SIGKILL goes to its whole group. Sends nothing when the run has ended meanwhile.

    What is to be noted of it, `first` does once nothing speaks against the signal. Raises StoreError when the trainer
    belongs to another user, or cannot be seen from here.
    """
    process = _trainer(run)
    if process is None:
        first()
        return
    if process.boot != boot_id():
        raise StoreError(f"{run.name} trains on {process.host or 'another machine'}", "run this command there")
    if not is_alive(process):
        _refuse_unseen(run)
    elif trains_elsewhere(process, run.path) and lock_holder(run.paths.lock) != process.pid:
        raise StoreError(f"process {process.pid} trains a folder other than {run.path}", "stop the run that it trains")
    else:
        check_may_signal(process)
    first()
    send_signal(process, number, group=number == signal.SIGKILL)


def _refuse_unseen(run: Run) -> None:
    """Raise StoreError where a process that is invisible from here holds the run."""
    holder = lock_holder(run.paths.lock)
    if holder and not Path(f"/proc/{holder}").exists() and lock_holder(run.paths.lock) == holder:
        hint = "this system hides the processes of other users: ask its owner to stop it"
        raise StoreError(f"the process {holder}, which trains {run.name}, cannot be seen from here", hint)
    if holder == 0:
        process = run.status.process
        where = process.host if process is not None and process.host else "its container"
        raise StoreError(f"the process that trains {run.name} cannot be seen from here", f"run this command in {where}")


def _trainer(run: Run) -> ProcessId | None:
    """Return the process to signal; None when the run has ended meanwhile.

    A trainer records its process once it can be signalled, moments after its start; until then, and if it never does,
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
