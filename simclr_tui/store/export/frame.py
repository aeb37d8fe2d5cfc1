"""Turn metrics and rows into pandas DataFrames. Needs pandas: `pip install 'simclr-tui[frame]'`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simclr_tui.store.export.target import not_installed
from simclr_tui.store.metrics.history import History


def history_frame(history: History) -> Any:
    """Return one row per step, which is the index, and one column per metric; NaN marks what was not logged.

    Raises SimclrError without pandas.
    """
    pandas = _pandas()
    points = {name: history.points(name) for name in sorted(history.columns)}
    columns = {name: pandas.Series(found.values, index=found.steps, dtype=float) for name, found in points.items()}
    frame = pandas.DataFrame({name: column.groupby(level=0).last() for name, column in columns.items()})
    return frame.rename_axis("step")


def rows_frame(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return one row per run, under the names of `simclr ls --json`. Raises SimclrError without pandas."""
    return _pandas().DataFrame(list(rows))


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise not_installed("pandas", "a frame", "frame") from None
    return pandas
