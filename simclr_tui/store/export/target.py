"""Target files of exports: checked before the work, written whole after it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simclr_tui.atomic import write_file
from simclr_tui.errors import RecipeError, SimclrError, StoreError
from simclr_tui.interpreter import extra_command
from simclr_tui.text import safe


def check_target(target: Path, suffixes: Sequence[str], flag: str) -> None:
    """Raise RecipeError unless `target` ends in one of `suffixes` and its folder exists."""
    shown = safe(str(target))
    if target.suffix not in suffixes:
        raise RecipeError(f"{flag} cannot write {shown}", f"give a file that ends in {' or '.join(suffixes)}")
    if is_folder(target):
        raise RecipeError(f"{shown} is a folder", f"give {flag} a file in it")
    if not is_folder(target.parent):
        raise RecipeError(f"there is no folder {safe(str(target.parent))}", f"create it, or give {flag} another path")


def is_folder(path: Path) -> bool:
    """Return whether the path is a folder; a name too long or a folder without access is not."""
    try:
        return path.is_dir()
    except OSError:
        return False


def write_target(target: Path, data: bytes) -> None:
    """Replace the content of `target` with `data`, whole or not at all. Raises StoreError."""
    try:
        write_file(target, data)
    except OSError as error:
        raise StoreError(
            f"cannot write {safe(str(target))}: {error.strerror}", "free some space, or give another path"
        ) from None


def not_installed(package: str, what: str, extra: str = "export") -> SimclrError:
    """Return the error that says how to install a package that only `what` needs, with the distribution's `extra`."""
    return SimclrError(f"{what} needs {package}, which is not installed", f"type: {extra_command(extra)}")
