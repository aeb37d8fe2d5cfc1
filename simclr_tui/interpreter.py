"""Build the commands that start Python again: one door, so that no child imports what lies in the current folder."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path


def python(*words: str) -> list[str]:
    """Return the command of this interpreter with those arguments.

    With `-P`, the folder that the command is typed in is not searched for modules: a `random.py` or `queue.py` of the
    user's would otherwise be executed in place of Python's own, by `-m` as by `-c`.
    """
    return [sys.executable, "-P", *words]


def python_for_shell() -> str:
    """Return the same for a program that wants the interpreter as a line for a shell, such as submitit."""
    return shlex.join(python())


def python_module(module: str, *words: str) -> list[str]:
    """Return the command that runs a module of this installation, as `python -m` does."""
    return python("-m", module, *words)


def install_command(*requirements: str) -> str:
    """Return what to type to install packages where this program runs, which need not be where the shell's `pip` does.

    An environment that was not activated, one of pipx and one of `uv tool` have a pip that only their Python knows.
    """
    found = shutil.which("pip")
    is_ours = found is not None and Path(found).parent == Path(sys.executable).parent
    pip = ["pip"] if is_ours else [sys.executable, "-m", "pip"]
    return shlex.join([*pip, "install", *requirements])


def extra_command(extra: str) -> str:
    """Return what to type to install what an extra of this distribution needs."""
    return install_command(f"simclr-tui[{extra}]")
