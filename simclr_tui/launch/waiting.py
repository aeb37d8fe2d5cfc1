"""Take a waiting run out of the queue, this machine's or Slurm's."""

from __future__ import annotations

import msgspec

from simclr_tui.atomic import Lock
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import ExitCode, StoreError
from simclr_tui.launch.turn import turn
from simclr_tui.store.events import record
from simclr_tui.store.run import Run
from simclr_tui.store.state import write_state
from simclr_tui.store.ticket import drop_ticket

_CLAIMED_WITHIN = 30.0  # seconds within which a process that starts an attempt is done


def take_out(run: Run, who: str = "the user") -> bool:
    """Take a run out of the queue and mark it `stopped`. Returns False when it no longer waits.

    Raises StoreError while someone else starts it.
    """
    lock = Lock(run.paths.launch_lock)
    if not lock.acquire(wait=_CLAIMED_WITHIN):
        raise StoreError(f"{run.name} is being started by someone else", f"try again: simclr stop {run.name}")
    try:
        with turn(run.paths):
            return _taken_out(run, who)
    finally:
        lock.release()


def _taken_out(run: Run, who: str) -> bool:
    status = run.status
    if status.state != "queued":
        return False
    reason = f"taken out of the queue by {who}"
    stopped = msgspec.structs.replace(
        status, state="stopped", reason=reason, exit_code=ExitCode.STOPPED, since=SYSTEM_CLOCK.wall()
    )
    write_state(run.paths, stopped, durable=True)
    drop_ticket(run.paths)
    run.paths.slurm.unlink(missing_ok=True)
    record(run.paths, status.attempt, "stopped", message=reason, step=status.step)
    return True
