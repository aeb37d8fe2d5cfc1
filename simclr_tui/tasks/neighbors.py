"""`python -m simclr_tui.tasks.neighbors RUN_DIR IMAGE`: the images whose h is nearest to that of one image."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simclr_tui.errors import DataError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.run import Run
from simclr_tui.store.task_replies import Neighbor, Neighbors
from simclr_tui.tasks.image_bank import SPLITS, Bank, bank_features, check_finite, open_bank
from simclr_tui.tasks.pixels import to_picture
from simclr_tui.tasks.reply import Progress, answer
from simclr_tui.text import safe
from simclr_tui.train.data.decode import decode
from simclr_tui.train.data.pixels import Pixels
from simclr_tui.train.persist.checkpoint import newest_encoder


def neighbors(run: Run, image: str, data: str | None, split: str, k: int, device: str) -> Neighbors:
    """The `k` images of a split nearest to `image` by the cosine of h, nearest first. Raises SimclrError."""
    encoder, step = newest_encoder(run)
    progress = Progress()
    bank = open_bank(run.recipe, data, split, progress)
    query = _query(image, run.recipe, data, bank, progress)
    h = bank_features(encoder, bank, run.recipe, device, progress)
    asked = bank_features(encoder, query, run.recipe, device, lambda *_: None)[0]
    similarity = cosine(h, asked)
    check_finite(similarity, run.name, step)
    nearest = np.argsort(-similarity, kind="stable")[:k]
    return Neighbors(
        query=to_picture(query.image(0)),
        label=query.classes[0],
        step=step,
        images=len(bank),
        neighbors=[_neighbor(bank, row, similarity[row]) for row in nearest.tolist()],
    )


def cosine(h: NDArray[np.float32], asked: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine of each row of h (N, dim) with one vector (dim,); 0 where either is zero."""
    keys, query = h.astype(np.float64), asked.astype(np.float64)
    lengths = np.linalg.norm(keys, axis=1) * np.linalg.norm(query)
    similarity: NDArray[np.float64] = keys @ query / np.maximum(lengths, 1e-12)
    return similarity


def _neighbor(bank: Bank, row: int, similarity: float) -> Neighbor:
    return Neighbor(
        index=int(bank.index[row]),
        split=bank.splits[row],
        label=bank.classes[row],
        path=bank.paths[row],
        similarity=float(similarity),
        picture=to_picture(bank.image(row)),
    )


def _query(image: str, recipe: Recipe, data: str | None, bank: Bank, progress: Progress) -> Bank:
    """The image asked about: a file, or else a number, that of a test image (of a bank's where there are none)."""
    path = Path(image).expanduser()
    if path.exists() or not image.isdecimal():
        return _alone(_decoded(path, bank.side))
    try:
        tests = open_bank(recipe, data, "test", progress)
    except DataError:
        tests = bank
    rows = np.flatnonzero(tests.index == int(image))
    if not len(rows):
        raise DataError(f"there is no image {image}", f"give a number from 0 to {tests.index[-1]}, or an image file")
    return _alone(tests.image(int(rows[0])), tests.classes[int(rows[0])])


def _decoded(path: Path, side: int) -> Pixels:
    """The file as a folder of images would have it stored."""
    try:
        return decode(path, side)
    except FileNotFoundError:
        raise DataError(
            f"there is no image {safe(str(path))}", "give an image file, or a test image's number"
        ) from None
    except Exception as error:  # decoders raise all sorts of things, and each means an image that cannot be read
        raise DataError(
            f"{safe(str(path))} cannot be read as an image ({type(error).__name__})", "give a JPEG, PNG or WebP file"
        ) from None


def _alone(image: Pixels, name: str = "") -> Bank:
    return Bank([image[None]], ("",), np.zeros(1, np.int64), np.full(1, -1), (name,), ("",))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simclr_tui.tasks.neighbors", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("image", help="an image file, or the number of a test image")
    parser.add_argument("--data", help="search another data set than the run's")
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("-k", type=int, default=8)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args(arguments)
    return answer(lambda: neighbors(Run(given.run), given.image, given.data, given.split, given.k, given.device))


if __name__ == "__main__":
    sys.exit(main())
