"""Runs of a store that train on this machine without its queue: started or resumed by hand, they too take a place."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import psutil

from simclr_tui.store.store import Store

_SUPERVISOR = "simclr_tui.launch.supervisor"


def started_by_hand(store: Store, queued: Collection[str]) -> list[str]:
    """Names of runs whose supervisor lives here and that are not among `queued`.

    Processes are looked at, not runs: there are fewer of them than of runs that ended long ago.
    """
    root = store.root.absolute()
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if _SUPERVISOR in words and words[-1] != _SUPERVISOR:
            path = Path(words[words.index(_SUPERVISOR) + 1])
            if path.parent == root and path.name not in queued:
                found.append(path.name)
    return found
