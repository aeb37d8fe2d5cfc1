"""The end of a test's queue."""

from __future__ import annotations

from simclr_tui.launch.queue.queue import dispatches, pause
from simclr_tui.launch.stop import kill
from simclr_tui.store.store import Store
from tests.training import until


def end_queue(store: Store) -> None:
    """Start nothing more, end what runs, and wait until the dispatcher has left."""
    pause(store)
    for name in store.names():
        if store.run(name).state in ("queued", "starting", "running"):
            kill(store.run(name))
    until(lambda: not dispatches(store), what="the dispatcher to leave")
