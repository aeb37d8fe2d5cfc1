"""`python -m simclr_tui.tasks.preview < recipe.toml`: draw the first images of a run and their views."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from simclr_tui.recipe.for_channels import for_channels
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import from_toml
from simclr_tui.store.export.target import write_target
from simclr_tui.store.task_replies import Preview, ViewsShown
from simclr_tui.tasks.pixels import channels_note, to_bytes, to_picture, to_rgb
from simclr_tui.tasks.reply import Progress, send_reply
from simclr_tui.train.data.images import Data, whole_images
from simclr_tui.train.data.open import open_data
from simclr_tui.train.data.pixels import Pixels
from simclr_tui.train.data.whole_images import letterboxed
from simclr_tui.train.rng import epoch_order
from simclr_tui.train.views.apply import two_views
from simclr_tui.train.views.params import draw_views

_READABLE = 128  # pixels; smaller images are enlarged in the PNG
_GAP = 4


def preview(recipe: Recipe, count: int, target: Path | None) -> Preview:
    """Draw the views of the first `count` images of epoch 0, exactly as the run's first steps. Raises SimclrError."""
    data = open_data(
        recipe.data, image_size=recipe.image_size, subset=recipe.subset, progress=Progress(), reading=recipe.reading
    )
    recipe, _ = for_channels(recipe, data.channels, rgb=data.rgb)
    samples = epoch_order(recipe.seed, 0, len(data.train))[:count]
    stored, shapes = whole_images(data.train.images, samples)
    params = draw_views(recipe, 0, samples, stored.shape[-1], shapes=shapes)
    views = to_bytes(two_views(torch.from_numpy(stored), params, recipe.image_size).numpy())
    originals = stored if shapes is None else [letterboxed(*one) for one in zip(stored, shapes.tolist(), strict=True)]
    rows = list(zip(originals, views[: len(samples)], views[len(samples) :], strict=True))
    if target is not None:
        write_target(target, as_png(rows))
    shown = [
        ViewsShown(int(index), _label(data, int(index)), to_picture(original), (to_picture(first), to_picture(second)))
        for index, (original, first, second) in zip(samples, rows, strict=True)
    ]
    return Preview(shown, str(target) if target else "", channels_note(data.channels))


def _label(data: Data, index: int) -> str:
    label = -1 if data.train.labels is None else int(data.train.labels[index])
    return data.classes[label] if 0 <= label < len(data.classes) else ""


def as_png(rows: list[tuple[Pixels, Pixels, Pixels]]) -> bytes:
    """Return a PNG with a row per image: the original and its views. Small images are enlarged by an integer factor."""
    cell = max(image.shape[-1] for image in rows[0])
    factor = max(1, _READABLE // cell)
    pitch = cell * factor + _GAP
    sheet = Image.new("RGB", (3 * pitch + _GAP, len(rows) * pitch + _GAP), "white")
    for down, row in enumerate(rows):
        for across, image in enumerate(row):
            enlarged = np.repeat(np.repeat(to_rgb(image), factor, axis=0), factor, axis=1)
            sheet.paste(Image.fromarray(enlarged), (_GAP + across * pitch, _GAP + down * pitch))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simclr_tui.tasks.preview", description=__doc__)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--out", type=Path, help="a PNG file")
    given = parser.parse_args(arguments)
    return send_reply(lambda: preview(from_toml(sys.stdin.read()).recipe, given.images, given.out))


if __name__ == "__main__":
    sys.exit(main())
