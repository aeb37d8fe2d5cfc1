"""Read data sets of the Hugging Face hub, or of a folder in its layout."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from simclr_tui.errors import DataError
from simclr_tui.recipe.data_sources import DataSource
from simclr_tui.recipe.datasets import offline, reachable
from simclr_tui.recipe.layout import GROUP_NAMES
from simclr_tui.text import reason, safe
from simclr_tui.train.data.sources.tables import (
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    Rows,
    TableSource,
    encoded,
    first_of,
    no_column,
)


def open_hub(source: DataSource) -> TableSource:
    """Open a data set of the Hugging Face hub, from its cache where there is no network. Raises DataError."""
    if offline() or not hub_answers(source):
        os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    import datasets

    try:
        found = datasets.load_dataset(source.where)
    except Exception as error:  # the hub's clients raise all sorts of things
        raise DataError(
            f"hf:{safe(source.where)} cannot be opened: {reason(error)}",
            "without a network only what an earlier run has fetched can be read",
        ) from None
    splits: dict[str, Rows] = {}
    class_names: list[str] = []
    for split, table in found.items():
        label = _of_type(table, datasets.ClassLabel, LABEL_COLUMNS)
        if label and isinstance(table.features[label], datasets.ClassLabel):
            class_names = class_names or list(table.features[label].names)
        splits[str(split).lower()] = _rows(source, table, label)
    return TableSource(source, splits, class_names=class_names, stamp="0")


def hub_answers(source: DataSource) -> bool:
    """Return whether the hub can be reached, which its own client asks for half a minute. Behind a proxy it may be."""
    if getproxies() or source.path.is_dir():
        return True
    endpoint = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    return reachable(endpoint.hostname or "", endpoint.port or (80 if endpoint.scheme == "http" else 443))


def _rows(source: DataSource, table: Any, label: str | None) -> Rows:
    import datasets

    names = list(table.features)
    image = next((name for name in names if isinstance(table.features[name], datasets.Image)), None)
    image = image or first_of(IMAGE_COLUMNS, names)
    if image is None:
        raise no_column(safe(source.text), names, IMAGE_COLUMNS, what="image")
    raw, group = table.cast_column(image, datasets.Image(decode=False)), first_of(GROUP_NAMES, names)
    labels, groups = (list(table[name]) if name else [] for name in (label, group))
    return Rows(lambda row: encoded(source, raw[row][image]), len(table), labels, groups)


def _of_type(table: Any, kind: type, known: tuple[str, ...]) -> str | None:
    """Return the column of a known name, else the first of a type: others of that type may mean anything."""
    names = list(table.features)
    return first_of(known, names) or next((name for name in names if isinstance(table.features[name], kind)), None)
