"""Start an encoder from trained weights (`--init`) instead of from random ones."""

from __future__ import annotations

from pathlib import Path

from simclr_tui.errors import CheckpointError, RecipeError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.run import Run
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.weights.architecture import recognise
from simclr_tui.train.model.weights.match import fit_weights, wide_border
from simclr_tui.train.model.weights.read import WeightsFile
from simclr_tui.train.model.weights.source import open_source
from simclr_tui.train.persist.checkpoint import newest_encoder


def load_initial(encoder: Encoder, recipe: Recipe) -> str:
    """Load `recipe.init` into the encoder. Returns a sentence about what was loaded, empty where nothing is to be.

    The projection head stays as it was drawn. Raises SimclrError where the weights cannot be had or do not fit.
    """
    if not recipe.init:
        return ""
    file = _open(recipe.init)
    try:
        match = fit_weights(file, encoder)
    except CheckpointError as error:
        raise RecipeError(f"--init: {error.message}", remedy(file) or error.hint) from None
    encoder.load_weights(match.tensors)
    where = f", under {match.prefix}" if match.prefix else ""
    differs = wide_border(file, match.prefix)
    told = f"the encoder starts from {recipe.init}: {len(match.tensors)} tensors{where}"
    return f"{told}; {differs}" if differs else told


def remedy(file: WeightsFile) -> str:
    """Return the flags that fit the encoder which a file holds; empty where it is not recognised."""
    found = recognise(file.tensors)
    if found is None:
        return ""
    width = f" --width {found.width:g}" if found.width != 1.0 else ""
    flags = f"--encoder {found.encoder} --stem {found.stem}{width}"
    return f"it holds a {found.encoder} for {found.channels} channels: {flags}"


def _open(source: str) -> WeightsFile:
    folder = Path(source).expanduser()
    if not folder.is_dir():
        return open_source(source)
    encoder, step = newest_encoder(Run(folder))
    return WeightsFile(Path(f"{folder.name} at step {step}"), encoder.weights())
