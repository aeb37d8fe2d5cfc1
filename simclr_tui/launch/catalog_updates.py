"""Bring the catalog up to date when a run changes state, so that a query of runs/catalog.db is never out of date.

A short process of its own does it: neither a slow disk nor a database that cannot be written holds up a run.
"""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from simclr_tui.errors import StoreError
from simclr_tui.launch.detached import start_detached
from simclr_tui.paths import RunPaths
from simclr_tui.store.state import read_state


class CatalogUpdates:
    """Start an update of the catalog whenever the state of one run has changed since the last look."""

    def __init__(self) -> None:
        self._known: tuple[str, int, tuple[str, ...]] | None = None

    def look(self, run: RunPaths) -> None:
        """Compare the run's state with the one known; call this about once a second, and at the end. Never raises."""
        with contextlib.suppress(StoreError):  # deleted, or just being replaced
            state = read_state(run)
            if (now := (state.state, state.attempt, state.flags)) != self._known:
                self._known = now
                update_catalog(run.root.parent)


def update_catalog(store: Path) -> subprocess.Popen[bytes] | None:
    """Start updating the catalog of a store, and return the process.

    If it cannot be started, return None: the next listing does the update.
    """
    with contextlib.suppress(OSError, StoreError):
        return start_detached("simclr_tui.catalog.update", str(store.absolute()), log=None, folder=store)
    return None
