"""Where a run trains: on this machine at once, in its queue, or as a Slurm job. One interface for the three."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal, Protocol

from simclr_tui.errors import RecipeError
from simclr_tui.launch.here import Here
from simclr_tui.launch.metadata import Metadata
from simclr_tui.launch.plan import Plan
from simclr_tui.launch.queue.placement import Queue
from simclr_tui.launch.slurm.jobs import refresh as refresh_jobs
from simclr_tui.launch.slurm.jobs import require_slurm
from simclr_tui.launch.slurm.placement import Slurm
from simclr_tui.launch.slurm.resources import JobOptions, resources_again, slurm_resources
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import Resolved
from simclr_tui.store.run import Run
from simclr_tui.store.slurm_file import last_resources, read_job
from simclr_tui.store.state import OPEN
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import read_ticket

__all__ = ["Here", "JobOptions", "Placement", "Queue", "Slurm"]

Where = Literal["here", "slurm"]
"""Values of `--on`. The queue is this machine's too, and has a flag of its own."""


class Placement(Protocol):
    """Define what every place to train runs can do. Every method that acts raises StoreError where the run is in
    the wrong state."""

    poll: ClassVar[float]
    """Seconds between two checks on a run that is ending."""

    def check(self, recipe: Recipe) -> None:
        """Raise RecipeError if the recipe cannot train there, before anything is made."""

    def submit(self, store: Store, plan: Plan, metadata: Metadata) -> Run:
        """Make a run and hand it over; `wake` sets it going once all runs of a batch are made."""

    def submit_all(self, store: Store, new: Iterable[tuple[Plan, Metadata]]) -> Iterator[Run]:
        """Make runs and hand them over in their order, and yield each once that is done."""

    def requeue(self, run: Run) -> None:
        """Resume a run that was stopped, failed or lost from its newest checkpoint."""

    def requeue_all(self, runs: Iterable[Run]) -> Iterator[Run]:
        """Resume runs as `requeue` does, in their order, and yield each once that is done."""

    def stop(self, run: Run, *, who: str, now: bool = False) -> None:
        """Ask a run to end with a checkpoint, or end it `now`; a waiting run leaves the queue. Returns at once."""

    def refresh(self, store: Store) -> None:
        """Bring the states of the runs there up to date, unless they do so themselves."""

    def wake(self, store: Store) -> str:
        """Set the waiting runs there going. Returns why they cannot start; empty when all is well."""

    def standing(self, run: Run) -> str:
        """Return one sentence on the position of a run that was just handed over."""

    def backlog(self, store: Store) -> str:
        """Return a few words on how many runs wait there."""

    def slots(self, store: Store) -> int:
        """Return how many trials of an adaptive sweep should be under way at once."""


def choose_placement(on: Where, resolved: Resolved, options: JobOptions, *, queue: Queue | None = None) -> Placement:
    """Return where a new run trains: as `--on` says, or in the `queue`. Raises RecipeError for conflicting options."""
    if on == "slurm":
        _refuse_queue(queue)
        return Slurm(slurm_resources(resolved, options))
    _refuse_options(options)
    return queue or Here()


def slurm_is_here() -> bool:
    """Return whether jobs can be submitted from this machine."""
    try:
        require_slurm()
    except RecipeError:
        return False
    return True


def placement_of(run: Run) -> Placement:
    """Return where a run waits or trains or, once it has ended, where it trained last. Raises StoreError."""
    job = read_job(run.paths)
    if job is not None:
        return Slurm(job.resources)
    if run.state in OPEN:
        return Queue() if run.state == "queued" and read_ticket(run.paths) is not None else Here()
    asked = last_resources(run.paths)
    return Here() if asked is None or asked.left else Slurm(asked.resources)


def placement_to_resume(run: Run, on: Where | None, options: JobOptions, *, queue: Queue | None = None) -> Placement:
    """Return where a run resumes: as `on` or `queue` say, else where it trained. Raises RecipeError, StoreError."""
    if on == "slurm" or (on is None and queue is None and isinstance(placement_of(run), Slurm)):
        _refuse_queue(queue)
        return Slurm(resources_again(run, options))
    _refuse_options(options)
    return queue or Here()


def refresh(store: Store) -> None:
    """Bring the states of all runs on other machines up to date. A damaged run raises nothing."""
    refresh_jobs(store)


def _refuse_queue(queue: Queue | None) -> None:
    if queue is not None:
        raise RecipeError(
            "a Slurm job waits in Slurm's own queue", "leave out --queue, --priority and --after, or --on slurm"
        )


def _refuse_options(options: JobOptions) -> None:
    if options != JobOptions():
        raise RecipeError(
            "--partition, --time, --cpus and --nodes apply to Slurm jobs only", "add --on slurm, or leave them out"
        )
