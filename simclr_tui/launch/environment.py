"""Tell whether a failed start was the installation's fault: then no other run would start either."""

from __future__ import annotations

import subprocess

from simclr_tui.interpreter import python
from simclr_tui.text import safe

_NEEDED = "import simclr_tui.launch.supervisor, simclr_tui.train.attempt"
_WITHIN = 120.0  # seconds to import torch from a slow disk


def environment_fault() -> str:
    """Return one sentence on why this installation cannot start runs; empty when it can.

    It may have been deleted, moved, or be half-way through an upgrade.
    """
    command, nothing = python("-c", _NEEDED), subprocess.DEVNULL
    try:
        asked = subprocess.run(command, stdin=nothing, capture_output=True, text=True, timeout=_WITHIN, check=False)
    except OSError as error:
        return f"no run can be started from this installation: {error.strerror}: {error.filename}"
    except subprocess.TimeoutExpired:
        return "no run can be started from this installation: Python did not answer"
    if not asked.returncode:
        return ""
    words = asked.stderr.strip().splitlines() or [f"Python ended with code {asked.returncode}"]
    return f"no run can be started from this installation: {safe(words[-1])}"
