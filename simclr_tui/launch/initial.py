"""Resolve `--init` before a run is made: to a run's folder, a file's absolute path, or a library's model."""

from __future__ import annotations

from pathlib import Path

from simclr_tui.errors import CheckpointError, RecipeError
from simclr_tui.recipe.encoder_source import is_encoder_source, library_of
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import Resolved
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store


def settle_initial(store: Store, resolved: Resolved) -> Resolved:
    """Return the recipe with an `init` that its trainer can find from any folder.

    A name means a run of that store before it means a file. Raises NotFoundError or CheckpointError.
    """
    init = resolved.recipe.init
    if not init or library_of(init) is not None:
        return resolved
    if init not in store.names() and is_encoder_source(init):
        return resolved.with_value("init", str(Path(init).expanduser().absolute()), resolved.sources["init"])
    run = store.find(init)
    if not run.checkpoints:
        error = run.lacks_checkpoint()
        raise CheckpointError(f"--init {error.message}", f"{error.hint}, or name another run")
    _check_encoder(run, resolved.recipe)
    _check_normalisation(run, resolved.recipe)
    return resolved.with_value("init", str(run.path.absolute()), resolved.sources["init"])


def _check_normalisation(run: Run, recipe: Recipe) -> None:
    """Raise an error if the weights expect images normalised otherwise than the new run's."""
    theirs = run.recipe.normalize
    if theirs != recipe.normalize:
        raise RecipeError(
            f"--init {run.name} was trained with --normalize {theirs}, this run has {recipe.normalize}",
            f"give --normalize {theirs}",
        )


def _check_encoder(run: Run, recipe: Recipe) -> None:
    """Raise an error if the encoders differ, before anything starts; the trainer later compares every tensor."""
    theirs = run.recipe
    stem = "cifar" if theirs.cifar_stem else "imagenet"
    same = (theirs.encoder, theirs.width) == (recipe.encoder, recipe.width)
    if not same or (theirs.native_encoder and theirs.cifar_stem != recipe.cifar_stem):
        raise RecipeError(
            f"--init {run.name} holds a {theirs.encoder} ×{theirs.width:g} with a {stem} stem, this run another",
            f"give --encoder {theirs.encoder} --width {theirs.width:g} --stem {stem}",
        )
