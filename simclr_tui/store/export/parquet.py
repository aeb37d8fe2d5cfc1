"""The only module that uses pyarrow, which only Parquet files need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simclr_tui.store.export.target import not_installed


def import_pyarrow() -> Any:
    """Return pyarrow with its Parquet module loaded. Raises SimclrError if it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise not_installed("pyarrow", "a Parquet file", "parquet") from None
    return pyarrow


def as_parquet(columns: Mapping[str, Any], about: Mapping[str, str]) -> bytes:
    """Return a Parquet file of pyarrow arrays of equal length; `about` becomes the schema's metadata."""
    arrow = import_pyarrow()
    sink = arrow.BufferOutputStream()
    arrow.parquet.write_table(arrow.table(dict(columns)).replace_schema_metadata(dict(about)), sink)
    return bytes(sink.getvalue())
