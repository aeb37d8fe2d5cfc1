"""Tell whose queued runs a dispatcher starts, in a store that several users share.

A run trains as whoever started it: with that user's rights, files and share of the machine. So each user's dispatcher
starts what that user queued, and what others queued only once its user asked for that.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Callable
from pathlib import Path

from simclr_tui.atomic import is_locked, write_file
from simclr_tui.group_mode import make_folder
from simclr_tui.paths import QUEUE, QueuePaths
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket
from simclr_tui.text import safe


def queue_paths(store: Store, user: int | None = None) -> QueuePaths:
    """Return the files of the store's queue, with those of one user's dispatcher: this process's if none is given."""
    root = store.root / QUEUE
    user = os.geteuid() if user is None else user
    return QueuePaths(root, "" if user == _owner(root) else f".{user}")


def _owner(root: Path) -> int:
    """Return the user who made the folder, or who would now."""
    try:
        return root.stat().st_uid
    except OSError:
        return os.geteuid()


def start_for_everyone(store: Store, wanted: bool) -> None:
    """Have this user's dispatcher start what other users queued, or leave it to them again. Raises OSError."""
    make_folder(store.root / QUEUE, parents=True, exist_ok=True)
    agreed = queue_paths(store).everyone
    if wanted:
        write_file(agreed, b"")
    else:
        agreed.unlink(missing_ok=True)


def is_started_here(store: Store) -> Callable[[Ticket], bool]:
    """Return what tells whether this user's dispatcher starts the run of a ticket."""
    me, everyone = os.geteuid(), queue_paths(store).everyone.exists()
    return lambda ticket: everyone or ticket.user in (None, me)  # None: queued by a version that did not say


def waits_for_user(store: Store, ticket: Ticket) -> str:
    """Return whose dispatcher the run of a ticket waits for; empty where one that may start it is this user's or works.

    Whether this user's own dispatcher is at work is said of the queue, not of each of its runs.
    """
    if ticket.user is None or is_started_here(store)(ticket):
        return ""
    with contextlib.suppress(OSError):
        if is_locked(queue_paths(store, ticket.user).lock):
            return ""
    return f"waits for {user_name(ticket.user)} to start the queue"


def user_name(user: int | None) -> str:
    """Return a user's login name, or the number where this machine has no name for it; empty for None."""
    if user is None:
        return ""
    try:
        return safe(pwd.getpwuid(user).pw_name)
    except (KeyError, OverflowError):
        return f"user {user}"
