"""`python -m simclr_tui.tasks.embed RUN_DIR TARGET`: write h of every image of a data set, as an array or a table."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simclr_tui.store.export.parquet import as_parquet, import_pyarrow
from simclr_tui.store.export.target import write_target
from simclr_tui.store.run import Run
from simclr_tui.store.task_replies import Written
from simclr_tui.tasks.image_bank import SPLITS, ImageBank, compute_features, open_image_bank
from simclr_tui.tasks.reply import Progress, send_reply
from simclr_tui.train.data.facts import range_change
from simclr_tui.train.persist.checkpoint import newest_encoder


def embed(run: Run, target: Path, *, data: str | None, split: str | None, device: str) -> Written:
    """Write h (N, dim), float32, and each row's split, index, label, class and path where known.

    Parquet holds all of it; F.npy is accompanied by F.npy.csv. Raises SimclrError.
    """
    if target.suffix == ".parquet":
        import_pyarrow()  # fail before the work if it is missing
    encoder, step = newest_encoder(run)
    progress = Progress()
    bank = open_image_bank(run.recipe, data, split, progress=progress)
    h = compute_features(encoder, bank, run.recipe, device=device, progress=progress)
    content = f"h of {len(bank):,} images, {h.shape[1]} numbers each, at step {step:,}"
    changed = range_change(run.path, data or run.recipe.data, bank.scaling)
    content += f"; {changed}" if changed else ""
    if target.suffix == ".parquet":
        about = {"run": run.name, "step": str(step), "data": data or run.recipe.data}
        table = _as_table(h, bank, about)
        write_target(target, table)
        return Written([str(target)], len(table), content)
    array, rows = io.BytesIO(), target.with_name(target.name + ".csv")
    np.save(array, h)
    write_target(rows, _as_csv(bank))
    write_target(target, array.getvalue())
    return Written([str(target), str(rows)], len(array.getvalue()), content)


def _as_csv(bank: ImageBank) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["split", "index", "label", "class", "path"])
    labels = [label if label >= 0 else "" for label in bank.labels.tolist()]
    writer.writerows(zip(bank.splits, bank.index.tolist(), labels, bank.classes, bank.paths, strict=True))
    return text.getvalue().encode("utf-8", "surrogateescape")


def _as_table(h: NDArray[np.float32], bank: ImageBank, about: dict[str, str]) -> bytes:
    arrow = import_pyarrow()

    def text(values: tuple[str, ...]) -> Any:
        """Return an Arrow column: null where unknown, bytes that are not UTF-8 replaced."""
        return arrow.array([v.encode("utf-8", "replace").decode() if v else None for v in values], arrow.string())

    columns = {
        "split": text(bank.splits),
        "index": arrow.array(bank.index),
        "label": arrow.array([label if label >= 0 else None for label in bank.labels.tolist()], arrow.int64()),
        "class": text(bank.classes),
        "path": text(bank.paths),
        "h": arrow.FixedSizeListArray.from_arrays(arrow.array(h.reshape(-1)), h.shape[1]),
    }
    return as_parquet(columns, about)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simclr_tui.tasks.embed", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--data", help="data set (default: the run's)")
    parser.add_argument("--split", choices=SPLITS)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args(arguments)
    return send_reply(
        lambda: embed(Run(given.run), given.target, data=given.data, split=given.split, device=given.device)
    )


if __name__ == "__main__":
    sys.exit(main())
