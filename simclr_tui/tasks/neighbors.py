"""`python -m simclr_tui.tasks.neighbors RUN_DIR IMAGE`: find the images whose h is nearest to that of one image."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simclr_tui.errors import DataError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.run import Run
from simclr_tui.store.task_replies import Neighbor, Neighbors
from simclr_tui.tasks.image_bank import SPLITS, ImageBank, check_finite, compute_features, open_image_bank
from simclr_tui.tasks.pixels import channels_note, to_picture
from simclr_tui.tasks.reply import Progress, send_reply
from simclr_tui.text import safe
from simclr_tui.train.data.decode import decode_file
from simclr_tui.train.data.facts import range_change
from simclr_tui.train.data.pixels import Pixels
from simclr_tui.train.data.readers import survey_image
from simclr_tui.train.data.scaling import Scaling
from simclr_tui.train.persist.checkpoint import newest_encoder


def neighbors(run: Run, image: str, *, data: str | None, split: str, k: int, device: str) -> Neighbors:
    """Find the `k` images of a split nearest to `image` by the cosine of h, nearest first. Raises SimclrError."""
    encoder, step = newest_encoder(run)
    progress = Progress()
    bank = open_image_bank(run.recipe, data, split, progress=progress)
    query = _open_query(image, run.recipe, data, bank=bank, progress=progress)
    h = compute_features(encoder, bank, run.recipe, device=device, progress=progress)
    query_h = compute_features(encoder, query, run.recipe, device=device, progress=lambda *_: None)[0]
    similarity = cosine(h, query_h)
    check_finite(similarity, run.name, step)
    changed = range_change(run.path, data or run.recipe.data, bank.scaling)
    nearest = np.argsort(-similarity, kind="stable")[:k]
    return Neighbors(
        query=to_picture(query.image(0)),
        label=query.classes[0],
        step=step,
        images=len(bank),
        neighbors=[_neighbor(bank, row, similarity[row]) for row in nearest.tolist()],
        channels="; ".join(filter(None, (channels_note(bank.channels), changed))),
    )


def cosine(h: NDArray[np.float32], query_h: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cosine of each row of h (N, dim) with one vector (dim,); 0 where either is zero."""
    keys, query = h.astype(np.float64), query_h.astype(np.float64)
    lengths = np.linalg.norm(keys, axis=1) * np.linalg.norm(query)
    similarity: NDArray[np.float64] = keys @ query / np.maximum(lengths, 1e-12)
    return similarity


def _neighbor(bank: ImageBank, row: int, similarity: float) -> Neighbor:
    return Neighbor(
        index=int(bank.index[row]),
        split=bank.splits[row],
        label=bank.classes[row],
        path=bank.paths[row],
        similarity=float(similarity),
        picture=to_picture(bank.image(row)),
    )


def _open_query(image: str, recipe: Recipe, data: str | None, *, bank: ImageBank, progress: Progress) -> ImageBank:
    """Open the query image: a file, or the number of a test image, or of one of the bank without test images."""
    path = Path(image).expanduser()
    if path.exists() or not image.isdecimal():
        return _bank_of_one(_decode_query(path, bank.scaling or Scaling(bank.side)))
    try:
        tests = open_image_bank(recipe, data, "test", progress=progress)
    except DataError:
        tests = bank
    rows = np.flatnonzero(tests.index == int(image))
    if not len(rows):
        raise DataError(f"there is no image {image}", f"give a number from 0 to {tests.index[-1]}, or an image file")
    return _bank_of_one(tests.image(int(rows[0])), tests.classes[int(rows[0])])


def _decode_query(path: Path, scaling: Scaling) -> Pixels:
    """Decode the file's central square to the channels and range of the images that it is compared with."""
    try:
        pixels, _ = decode_file(path, survey_image(path, path.name), replace(scaling, whole=False))
        return pixels
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(
            f"there is no image {safe(str(path))}", "give an image file, or a test image's number"
        ) from None
    except Exception as error:  # decoders raise many kinds; all mean that the image cannot be read
        raise DataError(
            f"{safe(str(path))} cannot be read as an image ({type(error).__name__})", "give a JPEG, PNG or WebP file"
        ) from None


def _bank_of_one(image: Pixels, name: str = "") -> ImageBank:
    return ImageBank([image[None]], ("",), np.zeros(1, np.int64), np.full(1, -1), (name,), ("",))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simclr_tui.tasks.neighbors", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("image", help="an image file, or the number of a test image")
    parser.add_argument("--data", help="data set to search (default: the run's)")
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("-k", type=int, default=8)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args(arguments)
    return send_reply(
        lambda: neighbors(
            Run(given.run), given.image, data=given.data, split=given.split, k=given.k, device=given.device
        )
    )


if __name__ == "__main__":
    sys.exit(main())
