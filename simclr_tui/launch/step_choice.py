"""Decide at launch whether a run is compiled and captured if the recipe leaves it open; the recipe records why."""

from __future__ import annotations

from simclr_tui.recipe.cost import Cost
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import Resolved

_FLOP_PER_MAC = 12  # per trained image and multiply-add of a view: two views, three passes, two operations each
LONG = {"compile": 5e16, "capture": 5e14}
"""FLOP from which each pays on an H100: half a minute to compile for about a sixth of each step, as the times of its
parts suggest, and a second to capture at each side of the views for a quarter. A slower GPU saves more."""

_LONG_ENOUGH = {
    "compile": "auto: long enough on a GPU for compiling to pay",
    "capture": "auto: long enough on a GPU; the first replay is compared with the usual step",
}
_TOO_SHORT = {
    "compile": "auto: too short a run for compiling to pay",
    "capture": "auto: too short a run for capturing to pay",
}
_UNTRIED = "auto: only native ResNets are compiled without being asked"


def choose_step(resolved: Resolved, cost: Cost, images: int | None, *, on_gpu: bool) -> Resolved:
    """Return the recipe, with --compile and --capture where it trains on one NVIDIA GPU for long enough.

    A value from a preset, a file or a flag is kept; so is the default where the run's length is unknown.
    """
    recipe = resolved.recipe
    if not on_gpu or recipe.gpus != "1" or images is None:
        return resolved
    flop = training_flop(recipe, cost, images)
    for name, least in LONG.items():
        value, why = flop >= least, (_LONG_ENOUGH if flop >= least else _TOO_SHORT)[name]
        if name == "compile" and value and not recipe.native_encoder:
            value, why = False, _UNTRIED
        if resolved.sources.get(name) == "default":
            resolved = resolved.with_value(name, value, why)
    return resolved


def training_flop(recipe: Recipe, cost: Cost, images: int) -> float:
    """Return the floating-point operations of the whole training run, counted at the views' full side."""
    return float(_FLOP_PER_MAC) * cost.macs * recipe.epochs * recipe.steps_per_epoch(images) * recipe.batch_size
