"""Start the processes that outlive the command that started them: supervisor, dispatcher and sweep driver."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from simclr_tui.errors import UnansweredError
from simclr_tui.interpreter import python_module
from simclr_tui.paths import expand_user
from simclr_tui.regular_file import append_regular


def start_detached(
    module: str, *words: str, log: Path | None, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a module in a new session, in `folder`, with its output appended to `log`, or to nothing.

    It has no terminal, no parent that could take it down, and does not hold the folder in which the command was typed,
    which may be deleted; `environment` is added to this process's own. Raises OSError when the log cannot be opened or
    there is nothing to start, UnansweredError at a limit on processes or memory, which may pass.
    """
    with append_regular(log) if log else contextlib.nullcontext(subprocess.DEVNULL) as output:
        try:
            return subprocess.Popen(
                python_module(module, *words),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=folder,
                env=absolute(os.environ | (environment or {})),
            )
        except OSError as error:
            if error.errno not in _LIMITS:
                raise
            raise UnansweredError(
                f"no process can be started: {error.strerror}",
                "end other programs, or raise the limits on processes and memory (ulimit -u, -v)",
            ) from None


_LIMITS = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)


def absolute(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with its relative folders made absolute."""
    named = {name: environment[name] for name in _FOLDERS if environment.get(name)}
    return {**environment, **{name: str(expand_user(value).absolute()) for name, value in named.items()}}


_FOLDERS = ("SIMCLR_DATA", "SIMCLR_RUNS", "HF_HOME", "TORCH_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
