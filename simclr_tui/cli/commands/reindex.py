"""`simclr reindex`: rebuild the catalog from the run folders."""

from __future__ import annotations

from simclr_tui.cli import output
from simclr_tui.cli.options import DEFAULT_RUNS, Runs


def reindex(runs: Runs = DEFAULT_RUNS) -> None:
    """Rebuild runs/catalog.db from the run folders. Nothing is lost: it is only an index.

    Also removes what launches left behind that were killed before their run existed.
    """
    from simclr_tui.catalog.catalog import Catalog
    from simclr_tui.store.names import misnamed_sentence
    from simclr_tui.store.store import Store

    store = Store(runs)
    if left := store.clear_abandoned():
        output.talk(f"Removed {left} {'folder' if left == 1 else 'folders'} of killed launches")
    catalog = Catalog(store)
    if misnamed := store.misnamed():
        output.talk(misnamed_sentence(misnamed))
    output.talk(f"Indexed {catalog.rebuild()} runs in {catalog.path}")
