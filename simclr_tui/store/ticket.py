"""The queue of a store, as files: each run in it has a ticket in its folder that gives its position."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from simclr_tui.atomic import SYSTEM_OS, Os, write_file
from simclr_tui.errors import UnansweredError
from simclr_tui.paths import RunPaths
from simclr_tui.regular_file import read_small
from simclr_tui.store.names import natural_key
from simclr_tui.store.store import Store, is_run
from simclr_tui.store.ticket_index import candidates, keep, mark, raise_last, read_index, search, unmark
from simclr_tui.store.unreadable import UNREADABLE, refuse_unanswered


class Ticket(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Hold the content of ticket.json, written when a run is queued and removed when it ends.

    `recipe` and `code` are digests made at that time. `gpus` are the GPUs assigned (empty on a CPU). `retried` holds
    the reason why each earlier attempt ended, `advanced` the step of the checkpoint from which the latest retry
    started, `unbegun` how often the run was started without its trainer appearing. `after` names the runs to wait for,
    as they were called when it was queued, and `after_ids` identifies them. `environment` is that of whoever queued it,
    and `user` is that user's numeric id; older versions did not write it.
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
    user: int | None = None


def read_ticket(paths: RunPaths) -> Ticket | None:
    """Read a run's ticket; None if the queue does not manage the run. A damaged ticket is read as a default one.

    Raises UnansweredError where it may be whole but cannot be read at the moment: what it says must not be replaced by
    defaults.
    """
    try:
        return msgspec.json.decode(read_small(paths.ticket), type=Ticket)
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        refuse_unanswered(error, f"the ticket of {paths.root.name}")
        return Ticket()


def write_ticket(paths: RunPaths, ticket: Ticket, durable: bool = True, *, system: Os = SYSTEM_OS) -> None:
    """Replace a run's ticket. Raises OSError."""
    mark(paths)
    write_file(paths.ticket, msgspec.json.encode(ticket), durable=durable, system=system)
    mark(paths)  # again: someone who dropped an earlier ticket may have removed the marker meanwhile
    raise_last(paths.root.parent, ticket.position)


def drop_ticket(paths: RunPaths) -> None:
    """Remove a run's ticket, so that the queue no longer manages the run."""
    paths.ticket.unlink(missing_ok=True)
    unmark(paths)


def tickets(store: Store, names: Iterable[str] | None = None) -> dict[str, Ticket]:
    """Return the ticket of every run that the queue manages (only of `names`, if given), the next to start first.

    A ticket that cannot be read at the moment is left out.
    """
    return _read(store, candidates(store) if names is None else names).tickets


class Kept(NamedTuple):
    """Hold the tickets that were read, the next to start first, and how many cannot be read at the moment."""

    tickets: dict[str, Ticket]
    unanswered: int


def tickets_kept(store: Store) -> dict[str, Ticket]:
    """Return the ticket of every run as `tickets` does; keep what a search found, so that the next need not search."""
    return look_at_tickets(store).tickets


def look_at_tickets(store: Store) -> Kept:
    """Return what `tickets_kept` does, and how many tickets are left out because they cannot be read at the moment."""
    if read_index(store.root) is not None:
        return _read(store, candidates(store))
    searched = time.monotonic()
    names, runs = search(store)
    found = _read(store, names)
    last = max((ticket.position for ticket in found.tickets.values()), default=0)
    keep(store, names, runs, last=last, searched=searched)
    return found


def next_position(store: Store) -> int:
    """Return the position behind every run in the queue. Raises StoreError if the store cannot be read."""
    index = read_index(store.root)
    if index is None:
        found = tickets_kept(store)
        index = read_index(store.root)
        if index is None:  # the store cannot be written
            return max((ticket.position for ticket in found.values()), default=0) + 1
    return index.last + 1


def _read(store: Store, names: Iterable[str]) -> Kept:
    found: dict[str, Ticket] = {}
    unanswered = 0
    for paths in (RunPaths(store.root / name) for name in names):
        try:
            ticket = read_ticket(paths)
        except UnansweredError as error:
            unanswered += error.may_pass
            continue
        if ticket is not None and is_run(str(paths.root)):  # without run.json it is a launch that was killed
            found[paths.root.name] = ticket
    return Kept(dict(sorted(found.items(), key=lambda item: _order(*item))), unanswered)


def _order(name: str, ticket: Ticket) -> tuple[int, int, list[tuple[int, int, str]]]:
    """Return a sort key: higher priority first, then the order of queueing, then the lower number."""
    return (-ticket.priority, ticket.position, natural_key(name))


def queue_positions(store: Store, queued: Iterable[str]) -> dict[str, int]:
    """Return the position, counted from 1, of each of the waiting runs `queued`, which must be all of them."""
    return {name: position for position, name in enumerate(tickets(store, queued), start=1)}
