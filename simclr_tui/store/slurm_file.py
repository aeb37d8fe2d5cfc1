"""Which Slurm job answers for a run, as a file of its folder."""

from __future__ import annotations

import msgspec

from simclr_tui.paths import RunPaths
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


def read_asked(paths: RunPaths) -> Resources | None:
    """What the run's newest job asked for; None for a run that never was one."""
    try:
        return msgspec.json.decode(paths.asked.read_bytes(), type=Resources)
    except UNREADABLE:
        return None


def read_job(paths: RunPaths) -> Job | None:
    """None for a run that no Slurm job answers for."""
    try:
        return msgspec.json.decode(paths.slurm.read_bytes(), type=Job)
    except UNREADABLE:
        return None
