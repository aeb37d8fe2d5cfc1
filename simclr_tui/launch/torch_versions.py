"""Check that the installed torch and torchvision fit together, without importing either.

Torchvision's compiled part fits one minor release of torch; with another it fails at an import or an operator, far
from the cause. Since torchvision 0.29 a release fits every torch from 2.14 on.
"""

from __future__ import annotations

import importlib.metadata
import re
import time
from functools import lru_cache

from simclr_tui.errors import RecipeError
from simclr_tui.interpreter import install_command

OLDEST = (2, 10)
_FREE_SINCE = (2, 14)  # of torch; the torchvision of the same day is 0.29
_RECENT = 2.0  # seconds: each trial of a sweep is checked, and reading both versions takes 3 ms
_OFFSET = 15  # torch 2.13 is released with torchvision 0.28


def check_torch_versions() -> None:
    """Raise RecipeError where torch or torchvision is missing, too old, or does not fit the other."""
    problem = torch_version_problem(*_installed_in(int(time.monotonic() / _RECENT)))
    if problem is not None:
        raise RecipeError(*problem)


def torch_version_problem(torch: str | None, torchvision: str | None) -> tuple[str, str] | None:
    """Return the problem with a pair of versions and its fix; None where they fit or cannot be judged."""
    if torch is None:
        return "torch is not installed", f"run: {install_command('torch', 'torchvision')}"
    if torchvision is None:
        return "torchvision is not installed", f"run: {install_command(_fitting(_release(torch)))}"
    ours, other = _release(torch), _release(torchvision)
    if ours is None or other is None:
        return None
    if ours < OLDEST:
        return f"torch {torch} is older than 2.10", f"run: {install_command('-U', 'torch', 'torchvision')}"
    free = ours >= _FREE_SINCE
    if (other >= (0, _FREE_SINCE[1] + _OFFSET)) if free else (other == (0, ours[1] + _OFFSET)):
        return None
    return f"torchvision {torchvision} does not fit torch {torch}", f"run: {install_command(_fitting(ours))}"


def _fitting(torch: tuple[int, int] | None) -> str:
    """Return pip's name for the torchvision that fits a release of torch."""
    if torch is None:
        return "torchvision"
    return f"torchvision==0.{torch[1] + _OFFSET}.*" if torch < _FREE_SINCE else "torchvision>=0.29"


def _release(version: str) -> tuple[int, int] | None:
    """Return major and minor release; None for a version that does not start with them."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


@lru_cache(maxsize=1)
def _installed_in(_period: int) -> tuple[str | None, str | None]:
    return _installed("torch"), _installed("torchvision")


def forget_installed() -> None:
    """Read the versions again when they are asked for next."""
    _installed_in.cache_clear()


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
