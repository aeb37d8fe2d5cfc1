"""`simclr embed RUN --out F`: the vectors that an encoder gives to images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simclr_tui.cli import out
from simclr_tui.cli.options import DEFAULT_RUNS, Data, Device, RunName, Runs, Split
from simclr_tui.text import safe, size


def embed(
    name: RunName,
    file: Annotated[Path, typer.Option("--out", "-o", help="F.npy (labels and paths in F.npy.csv) or F.parquet.")],
    data: Data = None,
    split: Split = None,
    device: Device = "auto",
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Write h of every image, of both splits, under the run's newest checkpoint; labels and paths where known."""
    from simclr_tui.launch.aside import embed as compute
    from simclr_tui.store.store import Store

    written = compute(Store(runs).find(name), file, data, split, device)
    out.talk(f"wrote {safe(' and '.join(written.files))}: {written.content} ({size(written.bytes)})")
