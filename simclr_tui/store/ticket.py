"""The queue of a store, as files: a run in state `queued` has a ticket in its folder that says where it stands."""

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
    """ticket.json. Written at queueing, kept while the run trains, taken away with its last word.

    `recipe` and `code` are digests of the moment of queueing; `gpus`, the GPUs it was given (empty on a CPU);
    `retried`, why each earlier attempt ended; `advanced`, the step of the checkpoint the latest retry began from;
    `unbegun`, how often it was started without a trainer ever being seen. `after` names the runs to wait for as they
    were called, `after_ids` says which they are. `environment` is kept of whoever queued it.
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
    """None for a run that the queue does not look after. A damaged ticket is one without wishes."""
    try:
        return msgspec.json.decode(read_small(paths.ticket), type=Ticket)
    except FileNotFoundError:
        return None
    except UNREADABLE:
        return Ticket()


def write_ticket(paths: RunPaths, ticket: Ticket) -> None:
    write_file(paths.ticket, msgspec.json.encode(ticket))


def drop_ticket(paths: RunPaths) -> None:
    """The queue lets go of the run."""
    paths.ticket.unlink(missing_ok=True)


def tickets(store: Store, names: Iterable[str] | None = None) -> dict[str, Ticket]:
    """Every run that the queue looks after (of `names` only, where given), the next to start first."""
    root = str(store.root)
    looked_at = store.names() if names is None else names
    marked = [name for name in looked_at if os.path.exists(f"{root}/{name}/{_TICKET}")]  # noqa: PTH110 - each tick
    found = {name: ticket for name in marked if (ticket := read_ticket(RunPaths(store.root / name))) is not None}
    return dict(sorted(found.items(), key=lambda item: _order(*item)))


def _order(name: str, ticket: Ticket) -> tuple[int, int, list[tuple[int, int, str]]]:
    """Higher priority first, then the order of queueing; of two queued at once, the lower number."""
    return (-ticket.priority, ticket.position, natural_key(name))


def places(store: Store, queued: Iterable[str]) -> dict[str, int]:
    """The place, from 1, of each of the runs `queued`, which are all that wait."""
    return {name: place for place, name in enumerate(tickets(store, queued), start=1)}
