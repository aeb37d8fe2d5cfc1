"""`--data` to images in memory or mapped from disk."""

from __future__ import annotations

from pathlib import Path

from simclr_tui.recipe.data_sources import parse_source
from simclr_tui.recipe.datasets import check_data, data_root, resolve_auto
from simclr_tui.recipe.reading import DEFAULT_READING, Reading
from simclr_tui.train.data.each import Progress
from simclr_tui.train.data.facts import with_digests
from simclr_tui.train.data.images import Data
from simclr_tui.train.data.open_images import open_images
from simclr_tui.train.data.shapes import open_shapes
from simclr_tui.train.data.sources.open import open_source


def open_data(
    data: str,
    *,
    image_size: int,
    subset: int,
    progress: Progress,
    cache: Path | None = None,
    reading: Reading = DEFAULT_READING,
    digests: bool = False,
) -> Data:
    """Open `data` ('auto', a known name or a source), downloading and decoding what is not there yet.

    `subset` training images (0: all) are drawn class by class, and at most as many test images; the draw does
    not depend on a run's seed. `image_size` is the side of a view: images may be stored larger, for its crops.
    `reading` says how a source's values, channels, labels and splits are read; the known sets have their own. `digests`
    asks for `Data.held_out`, for which these images are read once more.
    `progress(what, done, total)` is called from this thread. Raises DataError.
    """
    check_data(data, reading)
    decoded = cache or data_root() / "decoded"
    name = resolve_auto()[0] if data == "auto" else data
    if parse_source(name) is not None:
        return open_images(
            open_source(name, reading.tiles), image_size, subset,
            reading=reading, progress=progress, cache_dir=decoded, digests=digests,
        )  # fmt: skip
    if name == "shapes":
        opened = open_shapes(image_size, subset, progress, cache_dir=decoded)
    else:
        from simclr_tui.train.data.torchvision_sets import open_known  # two seconds of torch that nothing else needs

        opened = open_known(name, subset, progress, cache_dir=decoded)
    return with_digests(opened, None, progress) if digests else opened
