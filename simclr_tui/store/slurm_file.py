"""The Slurm job that is responsible for a run, as files in the run's folder."""

from __future__ import annotations

import contextlib

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.errors import StoreError, UnansweredError
from simclr_tui.paths import RunPaths
from simclr_tui.regular_file import read_small
from simclr_tui.store.unreadable import UNREADABLE, refuse_unanswered


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what a job requests. `gpus` counts all nodes together; `minutes` 0 stands for the partition's default."""

    partition: str = ""
    gpus: int = 0
    cpus: int = 0
    minutes: int = 0
    nodes: int = 1


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the content of slurm.json: the job's id and its resources."""

    id: str
    resources: Resources = Resources()


class LastResources(Resources, frozen=True, kw_only=True):
    """Hold the content of asked.json: what the run's newest job requested.

    `left` is true if the run has continued outside Slurm since.
    """

    left: bool = False

    @property
    def resources(self) -> Resources:
        return Resources(**{name: getattr(self, name) for name in Resources.__struct_fields__})


def last_resources(paths: RunPaths) -> LastResources | None:
    """Return what the run's newest job requested; None for a run that never was a job.

    Raises UnansweredError where that cannot be read at the moment.
    """
    try:
        return msgspec.json.decode(read_small(paths.asked), type=LastResources)
    except UNREADABLE as error:
        refuse_unanswered(error, f"asked.json of {paths.root.name}")
        return None


def leave_slurm(paths: RunPaths) -> None:
    """Record that the run continues outside Slurm. What its last job requested is kept for a later job."""
    with contextlib.suppress(UnansweredError):  # the run was resumed, which is what was asked for
        last = last_resources(paths)
        if last is not None and not last.left:
            write_file(paths.asked, msgspec.json.encode(msgspec.structs.replace(last, left=True)))


def refuse_held(paths: RunPaths) -> None:
    """Raise StoreError while a Slurm job is responsible for the run, because starting it here would train it twice."""
    job = read_job(paths)
    if job is not None:
        raise StoreError(
            f"Slurm job {job.id} is responsible for {paths.root.name}",
            f"wait until it ends, or stop it: simclr stop {paths.root.name}",
        )


def read_job(paths: RunPaths) -> Job | None:
    """Return the job that is responsible for the run; None if there is none.

    Raises UnansweredError where that cannot be read at the moment: the run must not be started beside its job.
    """
    try:
        return msgspec.json.decode(read_small(paths.slurm), type=Job)
    except UNREADABLE as error:
        refuse_unanswered(error, f"slurm.json of {paths.root.name}")
        return None
