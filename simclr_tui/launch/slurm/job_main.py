"""The work of a Slurm job: one attempt of a run after another, for as long as Slurm requeues the job.

submitit calls it on the node. Time limit and preemption arrive as SIGUSR1, which reaches the trainer too: it saves a
checkpoint, and the job goes back into Slurm's queue.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from simclr_tui.errors import ExitCode, SimclrError
from simclr_tui.launch.slurm.rendezvous import join, open_meeting, tell, this_place
from simclr_tui.launch.start import start_queued
from simclr_tui.store.events import record
from simclr_tui.store.process import is_alive
from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE, OPEN, State, read_state, requeued, write_state

_TICK = 0.2
_SAVED_WITHIN = 60.0  # seconds for the step in flight and its checkpoint


class Attempts:
    """Be the callable that submitit runs; `checkpoint` is its hook for a job that must give up its node."""

    def __init__(self, run_dir: str) -> None:
        self.run_dir = run_dir

    def __call__(self) -> int:
        """Train the run's next attempt to its end, on each node of the job. Returns the run's exit code."""
        run, place = Run(Path(self.run_dir)), this_place()
        if place.node:
            return join(run, place)
        status = read_state(run.paths)
        if status.state == "finished":
            tell(run, place)
            return ExitCode.OK
        if status.state != "queued":  # requeued by Slurm: nothing else can hold the run
            wait_again(run, status, "Slurm started its job again")
        meeting = open_meeting(place)
        try:
            attempt = start_queued(run, None, meeting.environment() if meeting else {})
        except SimclrError as error:
            print(error, file=sys.stderr, flush=True)
            tell(run, place)
            return error.exit_code
        tell(run, place, attempt=attempt, meeting=meeting)
        record(run.paths, attempt, "dequeued", message="by Slurm")
        return _until_ended(run)

    def checkpoint(self) -> Any:
        """Requeue the job at its time limit or when preempted; the trainer has received the signal too."""
        from submitit.helpers import DelayedSubmission

        run = Run(Path(self.run_dir))
        deadline = time.monotonic() + _SAVED_WITHIN
        while (status := read_state(run.paths)).state in ACTIVE and time.monotonic() < deadline:
            time.sleep(_TICK)
        if status.state == "stopped":
            wait_again(run, status, "preempted, or at its time limit")
        return DelayedSubmission(self)


def _until_ended(run: Run) -> int:
    """Return the run's exit code; FAILED where its processes disappeared, so that Slurm reports the job as failed."""
    while (status := read_state(run.paths)).state in OPEN:
        if status.state in ACTIVE and not (is_alive(status.supervisor) or is_alive(status.process)):
            time.sleep(_TICK)
            if read_state(run.paths) == status:
                return ExitCode.FAILED
        time.sleep(_TICK)
    return status.exit_code or ExitCode.OK


def wait_again(run: Run, status: State, why: str) -> None:
    """Set the run to `queued` again, keeping the step it has reached."""
    saved = max((manifest.step for manifest in run.checkpoints), default=0)
    reason = f"{why}; resumes from step {saved}"
    write_state(run.paths, requeued(status, reason), durable=True)
    record(run.paths, status.attempt, "retry", message=reason, step=status.step)
