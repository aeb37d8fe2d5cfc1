"""Resources of a Slurm job: as typed, as the last job had them, and whether they can share the recipe evenly."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from simclr_tui.errors import RecipeError
from simclr_tui.launch.plan import asked_gpus
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import Resolved
from simclr_tui.store.run import Run
from simclr_tui.store.slurm_file import Resources, last_resources

_UNITS = {"s": 1 / 60, "m": 1, "h": 60, "d": 24 * 60}


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Hold job options as the user gave them; an empty or 0 field falls back to the last job, else to Slurm."""

    partition: str = ""
    time: str = ""
    cpus: int = 0
    nodes: int = 0

    def given(self) -> dict[str, Any]:
        """Return the fields of `Resources` that are set here. Raises RecipeError."""
        minutes = parse_time(self.time) if self.time else 0
        fields = {"partition": self.partition, "minutes": minutes, "cpus": self.cpus, "nodes": self.nodes}
        return {name: value for name, value in fields.items() if value}


def parse_time(text: str) -> int:
    """Return the minutes of `8h`, `90m`, `2d` or a number of minutes. Raises RecipeError."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smhd]?)", text.strip())
    minutes = float(match[1]) * _UNITS[match[2] or "m"] if match else 0.0
    if minutes < 1:
        raise RecipeError(f"--time cannot be {text!r}", "give at least a minute, such as 90m, 8h or 2d")
    return int(minutes)


def slurm_resources(resolved: Resolved, options: JobOptions) -> Resources:
    """Return the resources for a job of a recipe. Raises RecipeError."""
    asked = Resources(gpus=asked_gpus(resolved), **options.given())
    check_nodes(resolved.recipe, asked)
    return asked


def resources_again(run: Run, options: JobOptions) -> Resources:
    """Return the resources for a run's next job: given options first, then its last job's. Raises RecipeError."""
    last = last_resources(run.paths)
    if last is None:
        return slurm_resources(run.resolved, options)
    asked = msgspec.structs.replace(last.resources, **options.given())
    check_nodes(run.recipe, asked)
    return asked


def check_nodes(recipe: Recipe, resources: Resources) -> None:
    """Raise RecipeError unless the nodes can share the recipe's processes evenly."""
    if resources.nodes > 1 and int(recipe.gpus) % resources.nodes:
        raise RecipeError(
            f"{resources.nodes} nodes cannot share --gpus {recipe.gpus} evenly",
            f"--gpus counts the processes of all nodes together: give a multiple of {resources.nodes}",
        )
