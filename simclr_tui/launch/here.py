"""Training on this machine, started at once."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from simclr_tui.launch.metadata import Metadata
from simclr_tui.launch.plan import Plan
from simclr_tui.launch.start import resume, start
from simclr_tui.launch.trainer_signal import active_state, signal_trainer
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.events import record
from simclr_tui.store.run import Run
from simclr_tui.store.slurm_file import leave_slurm, refuse_held
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import drop_ticket


@dataclass(frozen=True)
class Here:
    """Start each run at once."""

    poll: ClassVar[float] = 0.05

    def check(self, recipe: Recipe) -> None:
        """Accept every recipe: the plan was made for this machine."""

    def submit(self, store: Store, plan: Plan, metadata: Metadata) -> Run:
        return start(store, plan, metadata)

    def submit_all(self, store: Store, new: Iterable[tuple[Plan, Metadata]]) -> Iterator[Run]:
        return (self.submit(store, plan, metadata) for plan, metadata in new)

    def requeue(self, run: Run) -> None:
        refuse_held(run.paths)
        resume(run)
        leave_slurm(run.paths)

    def requeue_all(self, runs: Iterable[Run]) -> Iterator[Run]:
        for run in runs:
            self.requeue(run)
            yield run

    def stop(self, run: Run, *, who: str, now: bool = False) -> None:
        status = active_state(run)
        if now:  # without its ticket: the queue would bring it back
            signal_trainer(run, signal.SIGKILL, first=lambda: drop_ticket(run.paths))
            return

        def note() -> None:
            record(run.paths, status.attempt, "stop-requested", message=f"by {who}", step=status.step)

        signal_trainer(run, signal.SIGTERM, first=note)

    def refresh(self, store: Store) -> None:
        """Do nothing: a trainer writes its state itself."""

    def wake(self, store: Store) -> str:
        return ""

    def standing(self, run: Run) -> str:
        return f"Resumed {run.name} (attempt {run.status.attempt})"

    def backlog(self, store: Store) -> str:
        return "nothing waits"

    def slots(self, store: Store) -> int:
        return 1
