"""From a recipe to its encoder, native or of a library."""

from __future__ import annotations

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.resnet import build_resnet


def build_encoder(recipe: Recipe) -> Encoder:
    """Return the recipe's encoder, freshly initialised from torch's global generator.

    Raises RecipeError where there is no such encoder, or where it cannot take the recipe's images.
    """
    if recipe.native_encoder:
        return build_resnet(recipe)
    from simclr_tui.train.model.library import build_pooled  # whose libraries a ResNet need not wait for

    return build_pooled(recipe)
