"""Keep with a checkpoint what it was trained with, and say on resuming what has changed since."""

from __future__ import annotations

from typing import Any

import msgspec
import torch

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.text import safe

KEY = "made_with"
_JUDGED_ELSEWHERE = ("data",)  # by its images, wherever they lie now: see known_data


def made_with(recipe: Recipe) -> dict[str, Any]:
    """Return what is kept: every field of the recipe, and the version of torch."""
    return {"recipe": msgspec.to_builtins(recipe), "torch": str(torch.__version__)}


def changes_since(recipe: Recipe, state: dict[str, Any]) -> list[str]:
    """Return a sentence on each thing that differs from what the checkpoint `state` was trained with.

    A checkpoint of an earlier version, which kept nothing, differs in nothing; so does a field that is new since.
    """
    kept, step = state.get(KEY, {}), int(state["step"])
    before, now = kept.get("recipe", {}), msgspec.to_builtins(recipe)
    names = [name for name in now if name in before and name not in _JUDGED_ELSEWHERE and before[name] != now[name]]
    changed = [f"{name} {before[name]}, now {now[name]}" for name in names]
    said = []
    if changed:
        words = safe("; ".join(changed))
        said.append(f"recipe.toml was changed since step {step:,} ({words}): training goes on with what it says now")
    if (was := kept.get("torch", torch.__version__)) != torch.__version__:
        said.append(f"trained with torch {safe(was)} until step {step:,}, and with {torch.__version__} from here on")
    return said
