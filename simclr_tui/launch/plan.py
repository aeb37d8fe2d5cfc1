"""Turn what was typed into a recipe that can run here, or one sentence on why it cannot. Touches nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simclr_tui.errors import DataError, RecipeError, SimclrError, StoreError
from simclr_tui.hardware.gpu import gpu_count
from simclr_tui.launch.step_choice import choose_step
from simclr_tui.launch.tasks import encoder_facts
from simclr_tui.launch.torch_versions import check_torch_versions
from simclr_tui.recipe.cost import Cost, cost
from simclr_tui.recipe.datasets import absolute, check_data, describe, resolve_auto
from simclr_tui.recipe.fields import field, fields
from simclr_tui.recipe.optimizer_defaults import brought_along, brought_words, known_to_fail, source_of
from simclr_tui.recipe.presets import CPU_PRESET, GPU_PRESET
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import Resolved, make_recipe, resolve
from simclr_tui.store.run import Run
from simclr_tui.text import size

_ENTRIES = 100  # files and folders of a run with some attempts and evaluations
_KEPT = 3  # checkpoints at one time: the newest two, and the one being written
_SPARE = 256 * 10**6  # bytes that stay free besides the checkpoints


@dataclass(frozen=True)
class Plan:
    """Hold a checked recipe, its cost, and each choice made for the user with its reason."""

    resolved: Resolved
    cost: Cost
    images: int | None
    choices: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    data_notes: tuple[str, ...] = ()
    """Notes from the listing of the images: how many train and test, classes, splits, files left out."""

    @property
    def steps_per_epoch(self) -> int | None:
        return None if self.images is None else self.resolved.recipe.steps_per_epoch(self.images)

    @property
    def steps(self) -> int | None:
        per_epoch = self.steps_per_epoch
        return None if per_epoch is None else per_epoch * self.resolved.recipe.epochs


def make_plan(
    preset: str = "auto",
    config: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    *,
    here: bool = True,
    trains: bool = True,
) -> Plan:
    """Resolve preset, file and flags; choose every value left at `auto`; check data, batch and bounds.

    A run that trains on a cluster, not `here`, ignores this machine's GPUs.
    A plan that never `trains` (a preview) needs no full batch of images.
    Raises RecipeError or DataError; SimclrError where the encoder needs a package that is not installed.
    """
    choices: list[str] = []
    if preset == "auto":
        preset, why = choose_preset() if here else _preset_of_job(resolve(CPU_PRESET, config, flags))
        choices.append(f"preset {preset} ({why})")
    resolved = resolve(preset, config, flags)
    if resolved.recipe.data == "auto":
        name, why = resolve_auto()
        choices.append(f"data {name}: {why}")
        resolved = resolved.with_value("data", name, f"auto: {why}")
    return _checked(resolved, tuple(choices), here, trains=trains)


def choose_preset() -> tuple[str, str]:
    """Return the preset that `--preset auto` stands for on this machine, and why."""
    return (GPU_PRESET, "GPU found") if gpu_count() else (CPU_PRESET, "no GPU found")


def _preset_of_job(asked: Resolved) -> tuple[str, str]:
    return (GPU_PRESET, "the job asks for a GPU") if asked_gpus(asked) else (CPU_PRESET, "the job asks for no GPU")


def asked_gpus(resolved: Resolved) -> int:
    """Return how many GPUs a recipe asks for explicitly, wherever it trains; 0 where it leaves that open."""
    recipe = resolved.recipe
    if recipe.device == "cpu":
        return 0
    source = resolved.sources["gpus"]
    by_hand = source == "flag" or source.startswith("file ") or recipe.device.startswith("cuda")
    if recipe.gpus in ("1", "all"):  # the latter is refused or counted before anything starts
        return int(by_hand)
    return int(recipe.gpus)


def plan_clone(run: Run, flags: Mapping[str, Any], *, here: bool = True) -> Plan:
    """Plan another run's recipe with some fields changed. Raises as `make_plan` does, and for a recipe half known."""
    if run.is_partly_known:
        raise RecipeError(
            f"{run.name} is a run of another program whose recipe is not known in full",
            "start one with what you know of it: simclr run --preset quick --temp …",
        )
    return plan_variant(run.resolved, flags, base_source=f"clone of {run.name}", flag_source="flag", here=here)


def plan_variant(
    base: Resolved, flags: Mapping[str, Any], *, base_source: str, flag_source: str, here: bool = True,
    by_hand: Collection[str] = (),
) -> Plan:  # fmt: skip
    """Plan a resolved recipe with some fields changed, recording where each value comes from.

    Another optimiser brings its own rate, scaling and decay, except for those among the changes and `by_hand`, the
    fields (by key) that were chosen for it in the base. Raises as `make_plan` does.
    """
    values = {item.key: getattr(base.recipe, item.key) for item in fields()}
    changed = {field(name).key: value for name, value in flags.items()}
    brought = brought_along(values | changed, base.recipe.optimizer, {*by_hand, *changed})
    sources = dict.fromkeys(values, base_source) | dict.fromkeys(changed, flag_source)
    recipe = make_recipe(values | changed | brought)
    sources |= dict.fromkeys(brought, source_of(recipe.optimizer))
    return _checked(Resolved(recipe=recipe, preset=base.preset, sources=sources), (), here)


def _checked(resolved: Resolved, choices: tuple[str, ...], here: bool, *, trains: bool = True) -> Plan:
    if here:
        check_torch_versions()
    recipe = resolved.recipe
    check_data(recipe.data, recipe.reading)
    whole = absolute(recipe.data)
    if whole != recipe.data:
        resolved = resolved.with_value("data", whole, resolved.sources["data"])
    resolved = _processes(resolved) if here else _processes_of_job(resolved)
    images, data_notes = describe(recipe.data, recipe.subset, recipe.reading)
    if trains and images is not None and images < recipe.batch_size:
        raise DataError(
            f"a batch of {recipe.batch_size} does not fit into {images} training images",
            f"give --bs {max(2, images // 2)} or fewer, or more images",
        )
    brought = brought_words(recipe, resolved.sources)
    costs = recipe_cost(recipe)
    resolved = choose_step(resolved, costs, images, on_gpu=_on_nvidia_gpu(resolved, here))
    return Plan(
        resolved=resolved,
        cost=costs,
        images=images,
        choices=(*choices, brought) if brought else choices,
        data_notes=data_notes,
        warnings=tuple(known_to_fail(recipe)),
    )


def _on_nvidia_gpu(resolved: Resolved, here: bool) -> bool:
    """Return True if the run will train on an NVIDIA GPU, as far as that is known before it starts."""
    if resolved.recipe.device in ("cpu", "mps"):
        return False
    return bool(gpu_count() if here else asked_gpus(resolved))


def _processes(resolved: Resolved) -> Resolved:
    """Replace `--gpus all` by a number. Raises RecipeError for more GPUs than the machine has."""
    recipe, there = resolved.recipe, gpu_count()
    if recipe.gpus == "all":
        why = f"auto: all {there} GPUs" if there else "auto: no GPU found"
        resolved = resolved.with_value("gpus", str(max(1, there)), why)
        resolved.recipe.check()
    elif recipe.device != "cpu" and 0 < there < int(recipe.gpus):
        raise RecipeError(f"--gpus {recipe.gpus}: there are {there}", f"give --gpus {there}, or --gpus all")
    return resolved


def _processes_of_job(resolved: Resolved) -> Resolved:
    if resolved.recipe.gpus == "all":
        raise RecipeError("--gpus all counts this machine's GPUs, and a Slurm job trains elsewhere", "give a number")
    return resolved


def recipe_cost(recipe: Recipe) -> Cost:
    """Return the recipe's cost; a process of its own counts an encoder that is not native. Raises SimclrError."""
    channels = recipe.reading.known_channels or 3
    return cost(recipe, None if recipe.native_encoder else encoder_facts(recipe, channels), channels)


def checkpoint_bytes(run: Run) -> int:
    """Return the size in bytes of a run's next checkpoint: its newest one's, or the estimate from its recipe."""
    saved = run.checkpoints
    return saved[0].bytes if saved else recipe_cost(run.recipe).checkpoint_bytes


def checkpoints_kept(recipe: Recipe) -> int:
    """Return how many checkpoints a run has at most at one time, the one being written included."""
    return _KEPT + recipe.keeps_best


def check_run_space(root: Path, run: Run) -> None:
    """Raise StoreError unless the checkpoints of a run that goes on fit beside the store `root`."""
    try:
        count = checkpoints_kept(run.recipe)
    except SimclrError:  # what is wrong with its recipe is said by what needs the recipe
        count = _KEPT
    check_space(root, checkpoint_bytes(run), count=count)


def check_space(root: Path, checkpoint_bytes: int, *, count: int = _KEPT) -> None:
    """Raise StoreError unless `count` checkpoints and a little more fit beside the store."""
    existing = next(folder for folder in (root.absolute(), *root.absolute().parents) if folder.exists())
    if not os.access(existing, os.W_OK | os.X_OK) or not existing.is_dir():
        raise StoreError(f"cannot write to the run store {root}", "give another --runs, or change its permissions")
    needed = count * checkpoint_bytes + _SPARE
    entries = os.statvfs(existing)
    if entries.f_files and entries.f_favail < _ENTRIES:
        raise StoreError(
            f"{entries.f_favail} more files fit on the disk of {existing}, a run makes up to {_ENTRIES}",
            "delete some files, or give another --runs",
        )
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise StoreError(
            f"{size(free)} are free at {existing}, a run of this size needs {size(needed)}",
            "free some space, empty the trash (simclr trash empty) or give another --runs",
        )
