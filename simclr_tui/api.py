"""The library's face for scripts and notebooks: open runs of a store."""

from __future__ import annotations

from pathlib import Path

from simclr_tui.store.run import Run
from simclr_tui.store.store import Store


def open_run(name_or_path: str | Path, root: str | Path = "runs") -> Run:
    """A run by name, prefix, `@last`, `@best` or path. Raises NotFoundError.

    `.state`, `.recipe`, `.metric("loss")` → (steps, values).
    """
    return Store(Path(root)).find(str(name_or_path))


def runs(root: str | Path = "runs") -> list[Run]:
    """Every run of a store, run2 before run10."""
    store = Store(Path(root))
    return [store.run(name) for name in store.names()]
