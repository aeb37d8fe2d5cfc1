"""Turn the form's entries into a plan, or one sentence on why they cannot be one. Knows no widgets."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace

from simclr_tui.catalog.estimate import Estimate
from simclr_tui.errors import SimclrError
from simclr_tui.launch.placement import JobOptions, Placement, Queue, Where, choose_placement
from simclr_tui.launch.plan import Plan, make_plan, plan_clone
from simclr_tui.launch.slurm.option_help import OPTION_HELP
from simclr_tui.recipe.datasets import resolve_auto
from simclr_tui.recipe.fields import Value
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import flag_words, resolve
from simclr_tui.store.run import Run
from simclr_tui.text import duration, safe, size


@dataclass(frozen=True)
class Entries:
    """Hold the form's entries; `flags` holds only the fields that differ from their base."""

    preset: str = "auto"
    flags: tuple[tuple[str, Value], ...] = ()
    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    on: Where = "here"
    job: JobOptions = field(default_factory=JobOptions)


@dataclass(frozen=True)
class Preview:
    """Hold the plan for the entries, or why there is none; `base` holds the values of empty fields."""

    entries: Entries
    plan: Plan | None
    base: Recipe | None
    problem: str = ""


class Planner:
    """Plan for one form: for a new run from a preset, or a clone of `run`."""

    def __init__(self, run: Run | None = None) -> None:
        self.run = run
        self._auto: tuple[str, str] | None = None

    def preview(self, entries: Entries) -> Preview:
        """Plan the entries. It may take seconds to look for data sets: never call it on the screen's thread."""
        try:
            plan = self._plan(entries)
            place(entries, plan).check(plan.resolved.recipe)
        except SimclrError as error:
            return Preview(entries, None, self._base(entries.preset), str(error))
        return Preview(entries, plan, self._base(plan.resolved.preset))

    def plan(self, entries: Entries) -> Plan:
        """Return the plan to start, made by the function that the command line uses. Raises SimclrError."""
        if self.run is not None:
            return plan_clone(self.run, dict(entries.flags), here=entries.on == "here")
        return make_plan(entries.preset, None, dict(entries.flags), here=entries.on == "here")

    def _plan(self, entries: Entries) -> Plan:
        flags = dict(entries.flags)
        if self.run is not None or flags.get("data", "auto") != "auto":
            return self.plan(entries)
        # Resolving `auto` takes seconds: once per form is enough.
        if self._auto is None:
            self._auto = resolve_auto()
        name, why = self._auto
        plan = make_plan(entries.preset, None, flags | {"data": name}, here=entries.on == "here")
        return replace(plan, choices=(*plan.choices, f"data {name}: {why}"))

    def _base(self, preset: str) -> Recipe | None:
        try:
            return self.run.recipe if self.run is not None else resolve(preset).recipe
        except SimclrError:
            return None

    def command(self, entries: Entries) -> str:
        """Return the command line that starts the same run, to paste into a shell."""
        words = ["simclr", "clone", self.run.name] if self.run else ["simclr", "run"]
        if self.run is None and entries.preset != "auto":
            words += ["--preset", entries.preset]
        words += flag_words(dict(entries.flags))
        if entries.on == "slurm":
            words += ["--on", "slurm"]
            given = {option: getattr(entries.job, option) for option in OPTION_HELP}
            words += [word for option, value in given.items() if value for word in (f"--{option}", str(value))]
        if entries.name:
            words += ["--name", entries.name]
        words += [word for tag in entries.tags for word in ("--tag", tag)]
        words += ["--note", entries.note] if entries.note else []
        return shlex.join(words)


def place(entries: Entries, plan: Plan, queue: Queue | None = None) -> Placement:
    """Return where the run is to train, chosen by the function that the command line uses. Raises RecipeError."""
    return choose_placement(entries.on, plan.resolved, entries.job, queue=queue)


def facts(plan: Plan, expected: Estimate | None = None) -> list[tuple[str, str]]:
    """Return the facts of a plan as pairs of name and value; `expected` is what a run like it took."""
    recipe = plan.resolved.recipe
    steps = f"{plan.steps:,}" if plan.steps is not None else "known once the images are there"
    per_epoch = f" · {plan.steps_per_epoch:,} an epoch" if plan.steps_per_epoch is not None else ""
    return [
        ("images", f"{plan.images:,}" if plan.images is not None else "–"),
        ("steps", f"{steps}{per_epoch}"),
        ("epochs", f"{recipe.epochs:,}"),
        ("time", _time(expected)),
        *(
            [("GPU memory", f"{size(expected.memory)}, as {safe(expected.like)}")]
            if expected and expected.memory
            else []
        ),
        ("parameters", f"{plan.cost.parameters / 1e6:.2f} M"),
        ("h, z", f"{plan.cost.dim}, {recipe.head_dim} dimensions"),
        ("peak lr", f"{recipe.peak_lr:g}"),
        ("compute", f"{plan.cost.macs / 1e6:,.0f} M MACs per view"),
        ("checkpoint", size(plan.cost.checkpoint_bytes)),
        ("preset", safe(plan.resolved.preset)),
    ]


def _time(expected: Estimate | None) -> str:
    if expected is None:
        return "known after the first steps: no run like it yet"
    return f"about {duration(expected.seconds)}, at the speed of {safe(expected.like)}"
