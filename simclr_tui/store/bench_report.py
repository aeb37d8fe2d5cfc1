"""The report of a benchmark: each figure with every repetition, its goal, and what it was measured with."""

from __future__ import annotations

import statistics

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """Hold every measured value of one quantity. `goal` is the most its median should be; None if it has no goal."""

    name: str
    unit: str
    values: list[float]
    goal: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.median <= self.goal

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "lowest": min(self.values),
            "highest": max(self.values),
            "n": len(self.values),
            "goal": self.goal,
            "met": self.met,
        }


class Measured(msgspec.Struct, frozen=True):
    """Hold all figures of one benchmark. `commit` is empty if the program does not run from a checkout."""

    figures: list[Figure]
    machine: str
    versions: dict[str, str]
    commit: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "figures": [figure.as_json() for figure in self.figures],
            "machine": self.machine,
            "versions": self.versions,
            "commit": self.commit,
        }
