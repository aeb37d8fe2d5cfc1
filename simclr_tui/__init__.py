"""simclr-tui: a terminal experiment manager for SimCLR (Chen et al., ICML 2020).

The public names load on first use, so that `import simclr_tui` costs nothing:
`Recipe`, `open_run`, `runs`, `frame` and `load_encoder` (the only one that imports torch).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from simclr_tui.version import __version__

if TYPE_CHECKING:
    from simclr_tui.api import frame, load_encoder, open_run, runs
    from simclr_tui.recipe.recipe import Recipe

__all__ = ["Recipe", "__version__", "frame", "load_encoder", "open_run", "runs"]

_HOMES = {
    "Recipe": "simclr_tui.recipe.recipe",
    "open_run": "simclr_tui.api",
    "runs": "simclr_tui.api",
    "frame": "simclr_tui.api",
    "load_encoder": "simclr_tui.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'simclr_tui' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
