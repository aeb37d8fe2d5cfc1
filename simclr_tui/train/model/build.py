"""Build a recipe's encoder, native or from a library."""

from __future__ import annotations

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.normalized import IMAGENET, NormalizedEncoder
from simclr_tui.train.model.resnet import build_resnet


def build_encoder(recipe: Recipe, channels: int = 3) -> Encoder:
    """Return the recipe's encoder for images of so many channels, freshly initialised from torch's global generator.

    Raises RecipeError where there is no such encoder, or it cannot take the recipe's images.
    """
    encoder = _build_plain(recipe, channels)
    if recipe.normalize == "none":
        return encoder
    normalized = NormalizedEncoder(encoder)
    if recipe.normalize == "imagenet":
        if channels != 3:
            raise RecipeError(f"--normalize imagenet is for RGB, not {channels} channels", "give --normalize data")
        normalized.set_statistics(*IMAGENET)
    return normalized


def _build_plain(recipe: Recipe, channels: int) -> Encoder:
    if recipe.native_encoder:
        return build_resnet(recipe, channels)
    from simclr_tui.train.model.library import build_library_encoder  # imported here: a native ResNet needs no library

    return build_library_encoder(recipe, channels)
