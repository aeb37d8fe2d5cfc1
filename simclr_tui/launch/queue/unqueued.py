"""Find runs of a store that train here outside the queue: started or resumed by hand, they take a slot too."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import psutil

from simclr_tui.store.store import Store

_SUPERVISOR = "simclr_tui.launch.supervisor"


def started_by_hand(store: Store, queued: Collection[str]) -> list[str]:
    """Return the names of runs whose supervisor is alive here and that are not among `queued`.

    It looks through processes, not runs: there are fewer of them than of runs that ended long ago.
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
