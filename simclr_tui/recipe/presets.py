"""The presets by name, each a TOML file in `presets/`, and the ones that `--preset auto` stands for."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from simclr_tui.errors import RecipeError
from simclr_tui.text import did_you_mean

CPU_PRESET = "quick"
"""The preset that `--preset auto` stands for without a GPU."""
GPU_PRESET = "cifar10-sgd"
"""The preset that `--preset auto` stands for with a GPU."""
_FOLDER = Path(__file__).parent / "presets"


@cache
def preset_names() -> tuple[str, ...]:
    """Return the name of every preset, in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def presets() -> dict[str, str]:
    """Return the one-line title of every preset, by name."""
    return {name: preset_title(name) for name in preset_names()}


def preset_title(name: str) -> str:
    """Return the preset's first comment line."""
    with (_FOLDER / f"{name}.toml").open(encoding="utf-8") as file:
        return file.readline().lstrip("# ").strip()


def load_preset(name: str) -> dict[str, Any]:
    """Return the fields that a preset sets. Raises RecipeError, suggesting the closest name, if it does not exist."""
    if name not in preset_names():
        hint = did_you_mean(name, preset_names()) or f"presets are {', '.join(preset_names())}"
        raise RecipeError(f"no preset {name!r}", hint)
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
