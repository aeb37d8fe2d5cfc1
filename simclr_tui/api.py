"""The library's face for scripts and notebooks: open runs of a store."""

from __future__ import annotations

import os
from pathlib import Path

from simclr_tui.store.run import Run
from simclr_tui.store.store import Store


def open_run(name_or_path: str | Path, root: str | Path | None = None) -> Run:
    """A run by name, prefix, `@last`, `@best` or path; `root` is SIMCLR_RUNS or `runs` unless given.

    It has `.state`, `.recipe` and `.metric("loss")` → (steps, values). Raises NotFoundError.
    """
    return _store(root).find(str(name_or_path))


def runs(root: str | Path | None = None) -> list[Run]:
    """Every run of a store (as in `open_run`), run2 before run10."""
    store = _store(root)
    return [store.run(name) for name in store.names()]


def _store(root: str | Path | None) -> Store:
    return Store(Path(root or os.environ.get("SIMCLR_RUNS") or "runs"))
