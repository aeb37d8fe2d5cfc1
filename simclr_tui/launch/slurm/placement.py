"""Training as a Slurm job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from simclr_tui.errors import StoreError
from simclr_tui.launch.metadata import Metadata
from simclr_tui.launch.plan import Plan
from simclr_tui.launch.slurm.jobs import cancel, refresh, require_slurm, resubmit, submit
from simclr_tui.launch.slurm.resources import check_nodes
from simclr_tui.launch.trainer_signal import active_state
from simclr_tui.launch.waiting import take_out
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.events import record
from simclr_tui.store.run import Run
from simclr_tui.store.slurm_file import Resources, read_job
from simclr_tui.store.state import OPEN
from simclr_tui.store.store import Store

# This machine's GPUs say nothing about a cluster. A trial under way has no score yet: see docs/scaling.md.
_TRIALS_AT_ONCE = 4


@dataclass(frozen=True)
class Slurm:
    """Make each run a job with the given `resources`."""

    resources: Resources
    poll: ClassVar[float] = 0.5  # squeue is asked

    def check(self, recipe: Recipe) -> None:
        require_slurm()
        check_nodes(recipe, self.resources)

    def submit(self, store: Store, plan: Plan, metadata: Metadata) -> Run:
        return submit(store, plan, metadata, resources=self.resources)

    def submit_all(self, store: Store, new: Iterable[tuple[Plan, Metadata]]) -> Iterator[Run]:
        return (self.submit(store, plan, metadata) for plan, metadata in new)

    def requeue(self, run: Run) -> None:
        resubmit(run, self.resources)

    def requeue_all(self, runs: Iterable[Run]) -> Iterator[Run]:
        for run in runs:
            self.requeue(run)
            yield run

    def stop(self, run: Run, *, who: str, now: bool = False) -> None:
        job = read_job(run.paths)
        if job is None:
            raise StoreError(f"{run.name} no longer has a Slurm job, it is {run.state}", "see simclr ls")
        if now or run.state in OPEN:
            cancel(run, job, now=now)
        if run.state == "queued" and take_out(run, who):
            return
        status = active_state(run)
        if not now:
            record(run.paths, status.attempt, "stop-requested", message=f"by {who}", step=status.step)

    def refresh(self, store: Store) -> None:
        refresh(store)

    def wake(self, store: Store) -> str:
        return ""

    def standing(self, run: Run) -> str:
        job = read_job(run.paths)
        which = f"Slurm job {job.id}" if job is not None else "a Slurm job"
        return f"{run.name} is {which}; see simclr ls, follow it with: simclr attach {run.name}"

    def backlog(self, store: Store) -> str:
        return "each run is a Slurm job"

    def slots(self, store: Store) -> int:
        return _TRIALS_AT_ONCE
