"""Train a run that has ended for more epochs than its recipe said: `resume --epochs N`."""

from __future__ import annotations

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import RecipeError, StoreError
from simclr_tui.launch.start import claimed
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import to_toml
from simclr_tui.recipe.schedule import learning_rate
from simclr_tui.store.events import record
from simclr_tui.store.run import Run
from simclr_tui.store.state import OPEN, State, write_state


def extend(run: Run, epochs: int) -> str:
    """Give a run that has ended a recipe of `epochs` epochs. Returns a sentence on how its schedule changes.

    The run then waits to be resumed, as a stopped run does. One whose recipe has that many, and which ended before it
    took them, stays as it is. Raises RecipeError where they are taken, or more are planned; else StoreError.
    """
    with claimed(run):
        status, resolved = run.status, run.resolved
        _check(run, status, resolved.recipe, epochs=epochs)
        if epochs == resolved.recipe.epochs:
            return f"to the {epochs} epochs that its recipe has already"
        before, longer = resolved.recipe, resolved.with_value("epochs", epochs, f"resume --epochs {epochs}")
        longer.recipe.check()
        words = _schedule_words(status, before, longer.recipe)
        steps = status.steps_per_epoch * epochs
        write_file(run.paths.recipe, to_toml(longer).encode())
        write_state(
            run.paths,
            msgspec.structs.replace(
                status, state="stopped", since=SYSTEM_CLOCK.wall(), reason=f"to go on to {epochs} epochs", steps=steps,
                exit_code=None,
            ),
            durable=True,
        )  # fmt: skip
        record(run.paths, status.attempt, "extended", message=words, step=status.step)
    return words


def _check(run: Run, status: State, recipe: Recipe, *, epochs: int) -> None:
    if run.info.origin is not None:
        hint = f"start from it: --init {run.name}" if run.checkpoints else "start a run of your own: simclr run"
        raise StoreError(f"{run.name} is read-only: it was not trained here", hint)
    if status.state in OPEN:
        raise StoreError(f"{run.name} is {status.state}", f"stop it first: simclr stop {run.name}")
    if not run.checkpoints:
        raise StoreError(f"{run.name} has no checkpoint to go on from", f"start anew: simclr clone {run.name}")
    if epochs < recipe.epochs or (epochs == recipe.epochs and status.state == "finished"):
        raise RecipeError(
            f"{run.name} has {recipe.epochs} epochs already", f"give more: --epochs {recipe.epochs * 2}, for example"
        )


def _schedule_words(status: State, before: Recipe, after: Recipe) -> str:
    """Return a sentence on how the longer cosine changes the learning rate at the step where training resumes."""
    each, step = status.steps_per_epoch, status.step
    rates = [
        learning_rate(step, each * recipe.epochs, round(recipe.warmup * each), recipe.peak_lr)
        for recipe in (before, after)
    ]
    was, becomes = (f"{rate:.3g}" for rate in rates)
    reached = step / each if each else 0
    return (
        f"from epoch {reached:g} to {after.epochs} instead of {before.epochs}: the cosine now ends there, so the "
        f"learning rate goes on at {becomes} where it had come down to {was}; the result is not that of "
        f"{after.epochs} epochs from the start"
    )
