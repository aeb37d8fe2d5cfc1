"""The dashboard's layout (charts, axes, tab, list), kept in a small file in the store for the next session."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.paths import LAYOUT
from simclr_tui.regular_file import read_small

SMOOTHING = (0.0, 0.02, 0.05, 0.15)  # shares of the values in view over which curves are averaged
LARGEST_GRID = 6  # rows or columns

_writing = threading.Lock()
_Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_GRID)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=0.5)]


class Layout(msgspec.Struct, frozen=True):
    """Hold the stored layout. Zero rows or columns mean as many charts as are legible; `list_` fields are the run
    list's."""

    tab: str = "curves"
    rows: _Count = 0
    columns: _Count = 0
    axis: Literal["step", "epoch", "time", "wall"] = "step"
    log: bool = False
    smoothing: _Share = 0.0
    clip: bool = False
    list_width: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0  # cells; 0: as the style sheet has it
    list_order: str = "created"
    list_descending: bool = True
    list_group: str = ""
    list_columns: tuple[str, ...] = ()
    list_pinned: tuple[str, ...] = ()


class ViewState:
    """Hold the current layout; `changed` is called after every change."""

    def __init__(self, layout: Layout, changed: Callable[[], object]) -> None:
        self.layout = layout
        self._changed = changed

    def change(self, **fields: object) -> None:
        """Replace fields of the layout."""
        layout = msgspec.structs.replace(self.layout, **fields)
        if layout != self.layout:
            self.layout = layout
            self._changed()


def read_layout(root: Path) -> Layout:
    """Return the stored layout; an invalid field takes its default, and the others are kept."""
    left = _fields(root)
    known: dict[str, Any] = {}
    for field in msgspec.structs.fields(Layout):
        with contextlib.suppress(msgspec.ValidationError):
            if field.name in left:
                known[field.name] = msgspec.convert(left[field.name], field.type)
    return Layout(**known)


def write_layout(root: Path, latest: Callable[[], msgspec.Struct]) -> None:
    """Write the fields of the latest layout, keeping whatever else the file holds.

    A store that cannot be written is left alone. Threads write one after another, so the latest layout wins.
    """
    with _writing, contextlib.suppress(OSError):
        fields = _fields(root) | msgspec.to_builtins(latest())
        write_file(root / LAYOUT, msgspec.json.format(msgspec.json.encode(fields)) + b"\n", durable=False)


def _fields(root: Path) -> dict[str, Any]:
    """Return everything in the file; empty if there is none, or it is damaged."""
    try:
        return msgspec.json.decode(read_small(root / LAYOUT), type=dict[str, Any])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
