"""A new run's metadata: everything about it besides its recipe."""

from __future__ import annotations

import msgspec

from simclr_tui.store.run import Trial


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the metadata of a run that is about to be made: name, tags, note and origin.

    Without a `name` it is run1, run2, …; `command` is what would start the same run from a shell, this process's own
    unless given; `trial` says which trial of which sweep it is.
    """

    name: str | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    command: tuple[str, ...] = ()
    trial: Trial | None = None


UNNAMED = Metadata()
"""Metadata of a run with the next free name, no tags and no note."""
