"""Estimate how long a run will train and how much GPU memory it takes, from what a run like it took here."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simclr_tui.catalog.row import Row
from simclr_tui.recipe.fields import fields
from simclr_tui.recipe.recipe import Recipe

_SAME_SPEED = (
    "encoder", "width", "stem", "image_size", "grow_from", "grow_to", "precision", "device", "gpus", "compile"
)  # fmt: skip
_SAME_MEMORY = ("bs", "micro_batch", "head", "head_hidden", "head_dim", "optimizer")


@dataclass(frozen=True)
class Estimate:
    """Hold the `seconds` of training without evaluations, and the GPU `memory` in bytes, as run `like` took them.

    `memory` is None where it is not known: no GPU, or another batch size.
    """

    seconds: float
    memory: int | None
    like: str


def estimate(recipe: Recipe, steps: int | None, rows: Iterable[Row]) -> Estimate | None:
    """Return an estimate from the newest run of the same encoder on images of the same size; None where there is none.

    The speed of a run with the same batch size is preferred.
    """
    wanted = {item.short: getattr(recipe, item.key) for item in fields()}
    alike = [row for row in rows if _agrees(row, wanted, _SAME_SPEED) and _speed(row)]
    if not alike or not steps:
        return None
    row = max(alike, key=lambda row: (row.get("bs") == wanted["bs"], row.get("created") or 0.0))
    memory = row.get("gpu_allocated") if _agrees(row, wanted, _SAME_MEMORY) else None
    return Estimate(steps * int(wanted["bs"]) / _speed(row), int(memory) if memory else None, str(row["name"]))


def _agrees(row: Row, wanted: dict[str, Any], names: tuple[str, ...]) -> bool:
    return all(row.get(name) == wanted[name] for name in names)


def _speed(row: Row) -> float:
    """Return the images per second of a run; 0 if that is not known."""
    speed = row.get("images_per_s")
    return float(speed) if isinstance(speed, int | float) and math.isfinite(speed) and speed > 0 else 0.0
