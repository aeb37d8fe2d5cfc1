"""Open the source that `--data` names."""

from __future__ import annotations

from collections.abc import Callable

from simclr_tui.errors import DataError
from simclr_tui.recipe.data_sources import DataSource, check_source, parse_source
from simclr_tui.text import safe
from simclr_tui.train.data.sources.arrays import open_function, open_h5, open_npy, open_npz
from simclr_tui.train.data.sources.files import CsvSource, FolderSource
from simclr_tui.train.data.sources.hub import open_hub
from simclr_tui.train.data.sources.parquet import open_parquet
from simclr_tui.train.data.sources.protocol import Source
from simclr_tui.train.data.sources.tar import TarSource
from simclr_tui.train.data.sources.tiled import TiledSource

_OPEN: dict[str, Callable[[DataSource], Source]] = {
    "folder": lambda source: FolderSource(source.path),
    "csv": lambda source: CsvSource(source.path),
    "npy": open_npy,
    "npz": open_npz,
    "h5": open_h5,
    "tar": TarSource,
    "parquet": open_parquet,
    "hf": open_hub,
    "py": open_function,
}


def open_source(data: str, tiles: tuple[int, int] | None = None) -> Source:
    """Open a source by its prefix, cut into tiles of (side, stride) where these are given.

    Raises DataError where it is unknown, missing, or needs a library.
    """
    if data.startswith("tile:"):  # as a tiled source calls itself
        _, side, stride, data = data.split(":", 3)
        tiles = int(side), int(stride)
    source = parse_source(data)
    if source is None:
        raise DataError(f"no data {safe(data)!r}", "see simclr data --help")
    check_source(source)
    opened = _OPEN[source.kind.prefix](source)
    return TiledSource(opened, *tiles) if tiles else opened
