"""`--data` to images in memory or mapped from disk."""

from __future__ import annotations

from pathlib import Path

from simclr_tui.recipe.datasets import check_data, data_root, folder_of, resolve_auto
from simclr_tui.train.data.folder import Progress, open_folder
from simclr_tui.train.data.images import Data
from simclr_tui.train.data.shapes import open_shapes


def open_data(data: str, *, image_size: int, subset: int, progress: Progress, cache: Path | None = None) -> Data:
    """Open `data` ('auto', a known name or 'folder:PATH'), downloading and decoding what is not there yet.

    `subset` training images (0: all) are drawn class by class, and at most as many test images; the draw does
    not depend on a run's seed. `image_size` is the side of a view: images may be stored larger, for its crops.
    `progress(what, done, total)` is called from this thread. Raises DataError.
    """
    check_data(data)
    decoded = cache or data_root() / "decoded"
    name = resolve_auto()[0] if data == "auto" else data
    folder = folder_of(name)
    if folder is not None:
        return open_folder(folder, image_size, subset, progress, decoded)
    if name == "shapes":
        return open_shapes(image_size, subset, progress, decoded)
    from simclr_tui.train.data.torchvision_sets import open_known  # two seconds of torch that nothing else needs

    return open_known(name, subset, progress, decoded)
