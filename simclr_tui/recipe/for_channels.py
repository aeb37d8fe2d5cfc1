"""Adapt a recipe's views to images whose channels are not red, green and blue."""

from __future__ import annotations

import msgspec

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.recipe import Recipe

_NEED_RGB = ("color", "gray")


def for_channels(recipe: Recipe, channels: int, rgb: bool) -> tuple[Recipe, str]:
    """Return the recipe with views that fit such images, and a sentence about what changed (empty if nothing did).

    Hue, saturation and grayscale mean nothing for channels other than red, green and blue: with `--augment auto`,
    intensity replaces colour at the same probability, and grayscale is dropped. Raises RecipeError if augmentations
    that were asked for by name cannot be applied.
    """
    if "channel_drop" in recipe.operations and channels == 1:
        raise RecipeError("--channel-drop would blank images of one channel", "give --channel-drop 0")
    requested = [name for name in _NEED_RGB if name in recipe.operations]
    if rgb or not requested:
        return recipe, ""
    if recipe.augment != "auto":
        raise RecipeError(
            f"--augment names {requested[0]}, which needs red, green and blue; the images have {_count(channels)}",
            "use intensity or gamma instead, or give --augment auto",
        )
    intensity = max(recipe.intensity, recipe.color_prob)
    fitted = msgspec.structs.replace(recipe, color_prob=0.0, gray=0.0, intensity=intensity)
    return fitted, f"{_count(channels)}, not RGB: brightness and contrast of each replace colour, no grayscale"


def _count(channels: int) -> str:
    return "1 channel" if channels == 1 else f"{channels} channels"
