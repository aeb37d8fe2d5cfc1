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
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if _SUPERVISOR in words and words[-1] != _SUPERVISOR:
            path = Path(words[words.index(_SUPERVISOR) + 1])
            if path.name not in queued and _is_folder(store.root, path.parent):
                found.append(path.name)
    return found


def _is_folder(root: Path, other: Path) -> bool:
    """Return whether both are one folder, by whatever links and paths they are named."""
    try:
        return root.samefile(other)
    except OSError:
        return False
