"""What a run of another program comes to, whatever wrote it, before it becomes a read-only run of the store."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simclr_tui.store.state import StateName

Series = dict[int, float]
"""The value of one metric by step; a later value at a step replaces an earlier one."""


@dataclass
class ForeignRun:
    """Hold one run as its source tells it: `series` by the source's own names, wall times in s since the Unix epoch.

    `walls` gives the time at which a step was logged, where the source says. `config` is flat, with the source's own
    keys. `remarks` are sentences on what could not be read. `digest` is a fingerprint of what was read.
    """

    name: str
    source: str
    digest: str
    series: dict[str, Series] = field(default_factory=dict)
    walls: dict[int, float] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    created: float = 0.0
    state: StateName = "finished"
    reason: str = ""
    note: str = ""
    tags: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, name: str, step: object, value: float) -> bool:
        """Add a value; return whether its step is a whole number ≥ 0."""
        if not isinstance(step, int | float) or not math.isfinite(step) or step != int(step) or not 0 <= step < 2**53:
            return False
        self.series.setdefault(name, {})[int(step)] = value
        return True


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested config under dotted keys: `{"optim": {"lr": 1}}` becomes `{"optim.lr": 1}`."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        found |= flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return found
