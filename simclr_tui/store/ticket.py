"""The queue of a store, as files: each run in it has a ticket in its folder that gives its position."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.paths import RunPaths
from simclr_tui.regular_file import read_small
from simclr_tui.store.names import natural_key
from simclr_tui.store.store import Store
from simclr_tui.store.unreadable import UNREADABLE

_TICKET = RunPaths(Path()).ticket.name


class Ticket(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Hold the content of ticket.json, written when a run is queued and removed when it ends.

    `recipe` and `code` are digests made at that time. `gpus` are the GPUs assigned (empty on a CPU). `retried` holds
    the reason why each earlier attempt ended, `advanced` the step of the checkpoint from which the latest retry
    started, `unbegun` how often the run was started without its trainer appearing. `after` names the runs to wait for,
    as they were called when it was queued, and `after_ids` identifies them. `environment` is that of whoever queued it.
    """

    priority: int = 0
    position: int = 0
    after: tuple[str, ...] = ()
    recipe: str = ""
    code: str = ""
    gpus: tuple[str, ...] = ()
    retried: tuple[str, ...] = ()
    advanced: int = 0
    unbegun: int = 0
    after_ids: tuple[str, ...] = ()
    environment: dict[str, str] = {}


def read_ticket(paths: RunPaths) -> Ticket | None:
    """Read a run's ticket; None if the queue does not manage the run. A damaged ticket is read as a default one."""
    try:
        return msgspec.json.decode(read_small(paths.ticket), type=Ticket)
    except FileNotFoundError:
        return None
    except UNREADABLE:
        return Ticket()


def write_ticket(paths: RunPaths, ticket: Ticket) -> None:
    """Replace a run's ticket. Raises OSError."""
    write_file(paths.ticket, msgspec.json.encode(ticket))


def drop_ticket(paths: RunPaths) -> None:
    """Remove a run's ticket, so that the queue no longer manages the run."""
    paths.ticket.unlink(missing_ok=True)


def tickets(store: Store, names: Iterable[str] | None = None) -> dict[str, Ticket]:
    """Return the ticket of every run that the queue manages (only of `names`, if given), the next to start first."""
    root = str(store.root)
    candidates = store.names() if names is None else names
    queued = [name for name in candidates if os.path.exists(f"{root}/{name}/{_TICKET}")]  # noqa: PTH110 - each tick
    found = {name: ticket for name in queued if (ticket := read_ticket(RunPaths(store.root / name))) is not None}
    return dict(sorted(found.items(), key=lambda item: _order(*item)))


def _order(name: str, ticket: Ticket) -> tuple[int, int, list[tuple[int, int, str]]]:
    """Return a sort key: higher priority first, then the order of queueing, then the lower number."""
    return (-ticket.priority, ticket.position, natural_key(name))


def queue_positions(store: Store, queued: Iterable[str]) -> dict[str, int]:
    """Return the position, counted from 1, of each of the waiting runs `queued`, which must be all of them."""
    return {name: position for position, name in enumerate(tickets(store, queued), start=1)}
