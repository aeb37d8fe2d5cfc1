"""Stop a run: first politely, with a checkpoint, then by force."""

from __future__ import annotations

import signal
import time

import msgspec

from simclr_tui.atomic import Lock
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import ExitCode, StoreError
from simclr_tui.launch.slurm.jobs import cancel, refresh
from simclr_tui.store.events import record
from simclr_tui.store.process import ProcessId, send_signal
from simclr_tui.store.run import Run
from simclr_tui.store.slurm_file import read_job
from simclr_tui.store.state import ACTIVE, OPEN, State, StateName, observe, write_state
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import drop_ticket

GRACE = 60.0  # seconds for the step in flight and its checkpoint
_CLAIMED_WITHIN = 30.0  # seconds in which whoever begins an attempt is done
_NAMED_WITHIN = 10.0  # seconds until a trainer must have said who it is


def request_stop(run: Run, who: str = "the user") -> None:
    """Ask the trainer to finish its step, save a checkpoint and end. Returns as soon as it was asked. A queued run
    is taken out of the queue.

    Raises StoreError when the run neither trains nor waits.
    """
    job = read_job(run.paths)
    if job is not None and run.state in OPEN:
        cancel(run, job)
    if run.state == "queued" and take_out(run, who):
        return
    status = _active(run)
    record(run.paths, status.attempt, "stop-requested", f"by {who}", status.step)
    if job is not None:
        return
    process = _trainer(run)
    if process is not None:
        send_signal(process, signal.SIGTERM)


def take_out(run: Run, who: str = "the user") -> bool:
    """Take a run out of the queue: it is `stopped`. False when it no longer waits."""
    lock = Lock(run.paths.launch_lock)
    if not lock.acquire(wait=_CLAIMED_WITHIN):
        raise StoreError(f"{run.name} is being started by someone else", f"try again: simclr stop {run.name}")
    try:
        status = run.status
        if status.state != "queued":
            return False
        reason = f"taken out of the queue by {who}"
        write_state(run.paths, _ended(status, "stopped", reason, ExitCode.STOPPED), durable=True)
        drop_ticket(run.paths)
        run.paths.slurm.unlink(missing_ok=True)
        record(run.paths, status.attempt, "stopped", reason, status.step)
        return True
    finally:
        lock.release()


def _ended(status: State, state: StateName, reason: str, code: int | None) -> State:
    now = SYSTEM_CLOCK.wall()
    return msgspec.structs.replace(status, state=state, reason=reason, exit_code=code, since=now)


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
    on_slurm = run.paths.slurm.exists()
    while True:
        if on_slurm:
            refresh(Store(run.path.parent))
            time.sleep(0.5)
        status = observe(run.paths)
        if status.state not in OPEN:
            return status
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.05)


def stop(run: Run, grace: float = GRACE) -> State:
    """Stop and wait; a trainer that is stuck beyond `grace` seconds is killed with its whole group."""
    request_stop(run)
    return wait_until_ended(run, grace) or kill(run)


def kill(run: Run) -> State:
    """End a run's processes now; it can be resumed from its last checkpoint. The queue does not bring it back.

    Raises StoreError when it is not training.
    """
    job = read_job(run.paths)
    if job is not None:
        cancel(run, job, now=True)
    if run.state == "queued" and take_out(run):
        return run.status
    _active(run)
    drop_ticket(run.paths)
    process = _trainer(run) if job is None else None
    if process is not None:
        send_signal(process, signal.SIGKILL, group=True)
    ended = wait_until_ended(run, 10.0)
    if ended is None:
        raise StoreError(f"{run.name} could not be killed", "a process that hangs in the kernel goes at the next boot")
    if ended.state == "lost":
        ended = _ended(ended, "failed", "killed on request", ended.exit_code)
        write_state(run.paths, ended)
    return ended
