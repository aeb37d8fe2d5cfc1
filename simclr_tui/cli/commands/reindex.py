"""`simclr reindex`: build the catalog anew from the folders."""

from __future__ import annotations

from simclr_tui.cli import output
from simclr_tui.cli.options import DEFAULT_RUNS, Runs


def reindex(runs: Runs = DEFAULT_RUNS) -> None:
    """Build runs/catalog.db anew from the run folders. Nothing is lost: it is only an index.

    What launches left that were killed before they had made a run is removed.
    """
    from simclr_tui.catalog.catalog import Catalog
    from simclr_tui.store.store import Store

    store = Store(runs)
    if left := store.clear_abandoned():
        output.talk(f"{left} {'folder' if left == 1 else 'folders'} of launches that were killed removed")
    catalog = Catalog(store)
    output.talk(f"{catalog.rebuild()} runs in {catalog.path}")
