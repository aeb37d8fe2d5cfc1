"""Training on this machine when a run's turn comes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from simclr_tui.hardware.gpu import gpu_count
from simclr_tui.launch.here import Here
from simclr_tui.launch.metadata import Metadata
from simclr_tui.launch.plan import Plan
from simclr_tui.launch.queue.queue import (
    enqueue,
    enqueue_all,
    ensure_dispatcher,
    queue_all_again,
    settings,
    waiting_runs,
)
from simclr_tui.launch.waiting import take_out
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.run import Run
from simclr_tui.store.slurm_file import leave_slurm, refuse_held
from simclr_tui.store.store import Store


@dataclass(frozen=True)
class Queue:
    """Let each run wait for a free GPU and for the runs named by `after`."""

    priority: int = 0
    after: tuple[str, ...] = ()
    poll: ClassVar[float] = 0.05

    def check(self, recipe: Recipe) -> None:
        """Accept every recipe: the plan was made for this machine."""

    def submit(self, store: Store, plan: Plan, metadata: Metadata) -> Run:
        return enqueue(store, plan, metadata, priority=self.priority, after=self.after)

    def submit_all(self, store: Store, new: Iterable[tuple[Plan, Metadata]]) -> Iterator[Run]:
        return enqueue_all(store, new, priority=self.priority, after=self.after)

    def requeue(self, run: Run) -> None:
        next(self.requeue_all([run]))

    def requeue_all(self, runs: Iterable[Run]) -> Iterator[Run]:
        for store, those in itertools.groupby(runs, key=lambda run: run.path.parent):
            for run in queue_all_again(Store(store), _free(those)):
                leave_slurm(run.paths)
                yield run

    def stop(self, run: Run, *, who: str, now: bool = False) -> None:
        if not take_out(run, who):  # its turn came at this moment
            Here().stop(run, who=who, now=now)

    def refresh(self, store: Store) -> None:
        """Do nothing: the dispatcher and the trainers write the states."""

    def wake(self, store: Store) -> str:
        return ensure_dispatcher(store)

    def standing(self, run: Run) -> str:
        waiting = list(waiting_runs(Store(run.path.parent)))
        place = f"position {waiting.index(run.name) + 1} of {len(waiting)}" if run.name in waiting else run.state
        return f"Queued {run.name} ({place}); see simclr queue ls"

    def backlog(self, store: Store) -> str:
        return f"{len(waiting_runs(store))} runs queued"

    def slots(self, store: Store) -> int:
        return settings(store).slots * max(1, gpu_count())


def _free(runs: Iterable[Run]) -> Iterator[Run]:
    """Yield runs of which no Slurm job is in charge. Raises StoreError for the first of any other."""
    for run in runs:
        refuse_held(run.paths)
        yield run
