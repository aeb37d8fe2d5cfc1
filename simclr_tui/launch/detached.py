"""Start the processes that outlive whoever asked for them: supervisor, dispatcher and sweep driver."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from simclr_tui.interpreter import python_module


def start_detached(
    module: str, *words: str, log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a module in a session of its own, with its output appended to `log`.

    It has no terminal and no parent that could take it down; `environment` is added to this process's own.
    Raises OSError when the log cannot be opened or the process not be started.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            python_module(module, *words),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=os.environ | (environment or {}),
        )
