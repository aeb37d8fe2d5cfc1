"""Open the source that `--data` names."""

from __future__ import annotations

from collections.abc import Callable

from simclr_tui.errors import DataError
from simclr_tui.recipe.data_sources import DataSource, check_source, parse_source
from simclr_tui.text import safe
from simclr_tui.train.data.sources.files import CsvSource, FolderSource
from simclr_tui.train.data.sources.protocol import Source

_OPEN: dict[str, Callable[[DataSource], Source]] = {
    "folder": lambda source: FolderSource(source.path),
    "csv": lambda source: CsvSource(source.path),
}


def open_source(data: str) -> Source:
    """Open a source by its prefix. Raises DataError where it is unknown, missing, or needs a library."""
    source = parse_source(data)
    if source is None or source.kind.prefix not in _OPEN:
        raise DataError(f"no data {safe(data)!r}", "see simclr data --help")
    check_source(source)
    return _OPEN[source.kind.prefix](source)
