"""Code that a run's training processes execute as they start, in processes that are real in all else."""

from __future__ import annotations

import os
from pathlib import Path

_ONLY_THERE = """
import sys
if "simclr_tui.train" in sys.orig_argv and "torch.distributed.run" not in sys.orig_argv:
    exec({code!r})
"""


def run_in_trainers(monkeypatch, folder: Path, code: str) -> None:
    """Have every training process that this one starts, through whichever others, execute `code` before its own."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_ONLY_THERE.format(code=code))
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
