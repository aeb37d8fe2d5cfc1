"""Which Slurm job answers for a run, as a file of its folder."""

from __future__ import annotations

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.errors import StoreError
from simclr_tui.paths import RunPaths
from simclr_tui.regular_file import read_small
from simclr_tui.store.unreadable import UNREADABLE


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """What a job asks for, `gpus` of all its nodes together; `minutes` 0 is the partition's default."""

    partition: str = ""
    gpus: int = 0
    cpus: int = 0
    minutes: int = 0
    nodes: int = 1


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """slurm.json."""

    id: str
    resources: Resources = Resources()


class LastResources(Resources, frozen=True, kw_only=True):
    """asked.json: what the run's newest job asked for; `left` when the run has gone on elsewhere since."""

    left: bool = False

    @property
    def resources(self) -> Resources:
        return Resources(**{name: getattr(self, name) for name in Resources.__struct_fields__})


def last_resources(paths: RunPaths) -> LastResources | None:
    """Return what the run's newest job asked for; None for a run that never was a job."""
    try:
        return msgspec.json.decode(read_small(paths.asked), type=LastResources)
    except UNREADABLE:
        return None


def leave_slurm(paths: RunPaths) -> None:
    """Remember that the run trains elsewhere from now on. What its last job asked for is kept for another."""
    last = last_resources(paths)
    if last is not None and not last.left:
        write_file(paths.asked, msgspec.json.encode(msgspec.structs.replace(last, left=True)))


def refuse_held(paths: RunPaths) -> None:
    """Raise StoreError while a Slurm job answers for the run: started elsewhere too, it would be trained twice."""
    job = read_job(paths)
    if job is not None:
        raise StoreError(
            f"job {job.id} of Slurm answers for {paths.root.name}",
            f"wait until it has ended, or end it: simclr stop {paths.root.name}",
        )


def read_job(paths: RunPaths) -> Job | None:
    """Return the job that answers for the run; None when there is none."""
    try:
        return msgspec.json.decode(read_small(paths.slurm), type=Job)
    except UNREADABLE:
        return None
