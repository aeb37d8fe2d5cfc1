"""The catalog follows a run's states although nobody looks at the store."""

from __future__ import annotations

import contextlib
import sqlite3

import msgspec

from simclr_tui.launch.catalog_updates import CatalogUpdates, update_catalog
from simclr_tui.store.state import read_state, write_state
from tests.run_factory import make_run
from tests.training import until


def states(root):
    with contextlib.suppress(sqlite3.Error):
        address = f"{(root / 'catalog.db').as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
            return dict(database.execute("select name, state from runs"))
    return {}


def test_each_change_of_state_reaches_the_catalog_and_nothing_else_starts_a_process(tmp_path, monkeypatch):
    run = make_run(tmp_path, "run1", state="running")
    updates = CatalogUpdates()
    started = []
    monkeypatch.setattr(
        "simclr_tui.launch.catalog_updates.update_catalog", lambda store: started.append(update_catalog(store))
    )
    for state in ("running", "running", "finished", "finished"):
        write_state(run.paths, msgspec.structs.replace(read_state(run.paths), state=state, step=len(started)))
        updates.look(run.paths)
    assert len(started) == 2
    until(lambda: states(tmp_path) == {"run1": "finished"}, what="the catalog")


def test_a_catalog_that_cannot_be_written_and_a_run_that_is_gone_disturb_nobody(tmp_path):
    run = make_run(tmp_path, "run1")
    (tmp_path / "catalog.db").mkdir()
    updates = CatalogUpdates()
    updates.look(run.paths)
    run.paths.state.unlink()
    updates.look(run.paths)
    update_catalog(tmp_path / "nowhere")
