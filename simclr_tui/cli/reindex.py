"""`simclr reindex`: build the catalog anew from the folders."""

from __future__ import annotations

from simclr_tui.cli import out
from simclr_tui.cli.options import DEFAULT_RUNS, Runs


def reindex(runs: Runs = DEFAULT_RUNS) -> None:
    """Build runs/catalog.db anew from the run folders. Nothing is lost: it is only an index."""
    from simclr_tui.catalog.catalog import Catalog
    from simclr_tui.store.store import Store

    catalog = Catalog(Store(runs))
    out.talk(f"{catalog.rebuild()} runs in {catalog.path}")
