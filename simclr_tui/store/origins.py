"""Find the runs of a store that were made elsewhere, by what they were made from."""

from __future__ import annotations

from collections.abc import Iterator

from simclr_tui.errors import StoreError
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store


def runs_from_elsewhere(store: Store) -> Iterator[tuple[str, Run]]:
    """Yield each read-only run with the digest of its source, by which the same source is known again."""
    for name in store.names():
        run = store.run(name)
        try:
            origin = run.info.origin
        except StoreError:
            continue  # a damaged run cannot match
        if origin is not None and origin.sha256:
            yield origin.sha256, run
