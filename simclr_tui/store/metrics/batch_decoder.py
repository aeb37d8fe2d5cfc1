"""Metric lines decoded many at once, into columns: twenty times the speed of one line after the other."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from simclr_tui.store.unreadable import DAMAGED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

COORDINATES = ("step", "epoch", "time")
_MOST = 200  # names: a log with a new one in every line is read line by line
_NAME = re.compile(r'[^"\\\x00-\x1f\x7f-\U0010ffff]+')  # what msgspec takes as a field's name


@dataclass(frozen=True)
class Batch:
    """Lines of rising steps. `metrics` has each metric's values and the lines (from 0) that they stand in."""

    step: Integers
    epoch: Floats
    time: Floats
    metrics: dict[str, tuple[Integers, Floats]]


class BatchDecoder:
    """Decodes lines that hold step, epoch, time and any of the metrics `names`, and nothing else."""

    def __init__(self, names: Sequence[str]) -> None:
        self.size = len(names)
        self._fields = {f"m{index}": name for index, name in enumerate(names) if _NAME.fullmatch(name)}
        # NaN stands for a metric that a line does not have: JSON has no word for it, so no line can hold it.
        metrics = [(key, float | None, math.nan) for key in self._fields]
        line = msgspec.defstruct(
            "Line",
            [*((name, float) for name in COORDINATES), *metrics],
            rename=self._fields,
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decode = msgspec.json.Decoder(line).decode

    def decode(self, lines: list[bytes]) -> Batch | None:
        """None where a line is damaged, holds something else, or a step falls: such lines are read one by one."""
        if self.size > _MOST:
            return None
        try:
            decoded = list(map(self._decode, lines))
        except DAMAGED:
            return None
        step = _whole(_column(decoded, "step"))
        if step is None:
            return None
        metrics = {name: _measured(decoded, key) for key, name in self._fields.items()}
        return Batch(step, _column(decoded, "epoch"), _column(decoded, "time"), metrics)


def _column(decoded: list[Any], key: str) -> Floats:
    """Raises TypeError where a value is null."""
    import numpy as np

    return np.frombuffer(array("d", map(attrgetter(key), decoded)))


def _whole(steps: Floats) -> Integers | None:
    """Steps as they can be: whole, not negative, never falling; None where they are not."""
    if steps[0] < 0 or steps[-1] >= 2**53 or (steps[1:] < steps[:-1]).any():
        return None
    whole: Integers = steps.astype("int64")
    return whole if (whole == steps).all() else None


def _measured(decoded: list[Any], key: str) -> tuple[Integers, Floats]:
    """The values of one metric and the lines that have it; null is NaN, and measured."""
    import numpy as np

    try:
        values = _column(decoded, key)
    except TypeError:
        found = [getattr(line, key) for line in decoded]
        rows = np.array([row for row, value in enumerate(found) if value == value], dtype=np.int64)
        return rows, np.array([found[row] for row in rows], dtype=np.float64)  # numpy's word for None is NaN
    rows = np.flatnonzero(values == values)
    return rows, values[rows]
