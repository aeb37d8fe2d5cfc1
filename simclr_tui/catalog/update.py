"""Bring a store's catalog up to date and exit: `python -m simclr_tui.catalog.update STORE`."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.errors import StoreError
from simclr_tui.store.store import Store

_PATIENCE = 60.0  # seconds for other writers: nobody may look at this store again for days


def main(root: str) -> None:
    """Read the run folders that have changed into the catalog, at low priority: training comes first."""
    with contextlib.suppress(OSError):
        os.nice(10)
    with contextlib.suppress(StoreError, OSError):  # the store is gone, which the next listing reports
        Catalog(Store(Path(root)), busy=_PATIENCE).rows()


if __name__ == "__main__":
    main(sys.argv[1])
