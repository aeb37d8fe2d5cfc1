"""Open runs and load their encoders, from scripts and notebooks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from simclr_tui.store.checkpoints import chosen_step
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store

if TYPE_CHECKING:
    from pandas import DataFrame

    from simclr_tui.train.model.encoder import Encoder


def open_run(name_or_path: str | Path, root: str | Path | None = None) -> Run:
    """Return a run by its name, `@last`, `@best` or path; `root` defaults to SIMCLR_RUNS or `runs`.

    It has `.state`, `.recipe` and `.metric("loss")` → (steps, values). Raises NotFoundError.
    """
    return _store(root).find_exactly(str(name_or_path))


def runs(root: str | Path | None = None) -> list[Run]:
    """Return every run of the store `root` (default as in `open_run`), run2 before run10."""
    store = _store(root)
    return [store.run(name) for name in store.names()]


def frame(root: str | Path | None = None) -> DataFrame:
    """Return every run of the store `root` as a pandas DataFrame, one row per run.

    Columns are those of `simclr ls --json`: name, state, recipe fields under their short names (`bs`, `temp`), metrics
    (accuracies as fractions 0–1, memory in bytes, times in seconds). Raises SimclrError without pandas.
    """
    from simclr_tui.catalog.catalog import Catalog  # SQLite and pandas, which nothing else here needs
    from simclr_tui.catalog.row import public
    from simclr_tui.store.export.frame import rows_frame

    return rows_frame([public(row) for row in Catalog(_store(root)).rows()])


def load_encoder(
    run_or_path: Run | str | Path, root: str | Path | None = None, *, checkpoint: str | int = "newest"
) -> Encoder:
    """Return the encoder f of a run's checkpoint (`newest`, `best` or a step), in eval mode on the CPU.

    It maps images (N, 3, S, S) in [0, 1] to h (N, dim). Pass a Run, a name in the store `root`, or the path of a run
    folder. Raises NotFoundError or CheckpointError. Imports torch.
    """
    from simclr_tui.train.persist.checkpoint import encoder_at  # torch, which nothing else here needs

    run = run_or_path if isinstance(run_or_path, Run) else open_run(run_or_path, root)
    return encoder_at(run, chosen_step(run.paths, str(checkpoint)))[0]


def _store(root: str | Path | None) -> Store:
    return Store(Path(root or os.environ.get("SIMCLR_RUNS") or "runs"))
