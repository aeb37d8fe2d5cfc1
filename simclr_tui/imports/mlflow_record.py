"""What MLflow knows of a run, from its folders or its database alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Point(NamedTuple):
    """Hold one value of a metric, logged `time` ms after the Unix epoch."""

    name: str
    value: float
    time: int
    step: int


@dataclass
class Record:
    """Hold one run. `status` is MLflow's word: FINISHED, FAILED, KILLED, RUNNING or SCHEDULED."""

    id: str
    name: str
    source: str
    status: str
    began: float
    deleted: bool
    points: list[Point] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
