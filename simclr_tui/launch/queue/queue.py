"""The queue as its users see it: add a run, move it, pause, resume, list. The dispatcher does the work."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from simclr_tui.atomic import is_locked, write_file
from simclr_tui.boot import boot_id
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.deferred_sync import DeferredSync
from simclr_tui.errors import SimclrError, StoreError
from simclr_tui.group_mode import make_folder
from simclr_tui.hardware.visible import VISIBLE
from simclr_tui.launch.detached import absolute, start_detached
from simclr_tui.launch.metadata import UNNAMED, Metadata
from simclr_tui.launch.plan import Plan
from simclr_tui.launch.provenance import recent_code_digest
from simclr_tui.launch.queue.together import NewRun, create_together
from simclr_tui.launch.queue.users import queue_paths
from simclr_tui.launch.start import claimed
from simclr_tui.regular_file import read_small
from simclr_tui.store.events import record
from simclr_tui.store.process import ProcessId, is_alive, is_before_restart
from simclr_tui.store.run import Run
from simclr_tui.store.state import State, requeued, write_state
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket, next_position, tickets, write_ticket
from simclr_tui.store.ticket_index import raise_last
from simclr_tui.store.unreadable import UNREADABLE, store_error
from simclr_tui.text import safe

_TOGETHER = 100  # runs that are queued at one time: each needs a file descriptor
_READY_WITHIN = 60.0  # seconds within which a new dispatcher must report that it runs: machines are busy


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the contents of settings.json. `slots`: runs at once on each GPU, or on the CPU of a machine without one."""

    slots: int = 1


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the contents of paused.json: nothing starts until the user resumes the queue."""

    why: str = "the user paused it"
    since: float = 0.0


def enqueue(
    store: Store, plan: Plan, metadata: Metadata = UNNAMED, *, priority: int = 0, after: tuple[str, ...] = ()
) -> Run:
    """Make a run that waits for its turn, last of its priority. Starts nothing: see `ensure_dispatcher`.

    Raises StoreError as `start` does.
    """
    return next(enqueue_all(store, [(plan, metadata)], priority=priority, after=after))


def enqueue_all(
    store: Store, new: Iterable[tuple[Plan, Metadata]], *, priority: int = 0, after: tuple[str, ...] = ()
) -> Iterator[Run]:
    """Make runs as `enqueue` does, in their order, and yield each once it is safe on the disk.

    They are made a hundred at a time, which share their waits for the disk. Raises StoreError as `start` does; what was
    made by then stays.
    """
    ticket = Ticket(
        priority=priority,
        after=after,
        after_ids=tuple(store.run(name).info.id for name in after),
        environment=kept_environment(),
        user=os.geteuid(),
    )
    coming = iter(new)
    while batch := list(itertools.islice(coming, _TOGETHER)):
        first, code = next_position(store), recent_code_digest()
        raise_last(store.root, first + len(batch) - 1)  # once: nobody else takes these positions
        tickets = [msgspec.structs.replace(ticket, position=first + n, code=code) for n in range(len(batch))]
        yield from create_together(store, [NewRun(*one, it) for one, it in zip(batch, tickets, strict=True)])


_OURS = ("SIMCLR_DATA", "SIMCLR_OFFLINE")  # kept when unset, too; empty means the same
_KEPT = (*_OURS, "HF_HOME", "TORCH_HOME", "XDG_CACHE_HOME", "OMP_NUM_THREADS", "CUDA_DEVICE_ORDER")


def kept_environment() -> dict[str, str]:
    """Return the variables a run queued here trains with, whoever starts its dispatcher; folders as absolute paths."""
    set_here = {name: value for name in _KEPT if (value := os.environ.get(name))}
    gpus = {VISIBLE: os.environ[VISIBLE]} if VISIBLE in os.environ else {}  # empty hides them all, unset hides none
    return dict.fromkeys(_OURS, "") | absolute(set_here) | gpus


def queue_again(store: Store, run: Run) -> None:
    """Put a run that was stopped, failed or lost back into the queue, at its end. Raises StoreError."""
    next(queue_all_again(store, [run]))


def queue_all_again(store: Store, runs: Iterable[Run]) -> Iterator[Run]:
    """Put runs back into the queue as `queue_again` does, in their order, and yield each once it is safe on the disk.

    A hundred at a time share their waits for the disk. Raises StoreError for the first that cannot be queued; those
    before it are.
    """
    coming = iter(runs)
    problem: SimclrError | None = None
    while problem is None:
        with contextlib.ExitStack() as held:
            ready: list[tuple[Run, State, str]] = []
            try:
                for run in itertools.islice(coming, _TOGETHER):
                    held.enter_context(claimed(run))
                    ready.append((run, *_checked_again(run)))
            except SimclrError as error:
                problem = error
            if ready:
                _write_again(store, ready)
        yield from (run for run, *_ in ready)
        if not ready:
            break
    if problem is not None:
        raise problem


def _checked_again(run: Run) -> tuple[State, str]:
    """Return the state of a run that may be queued again, and its recipe's digest. Raises StoreError."""
    status = run.status
    if status.state not in ("stopped", "failed", "lost"):
        raise StoreError(f"{run.name} cannot be queued, it is {status.state}", "see simclr ls")
    try:
        return status, hashlib.sha256(read_small(run.paths.recipe)).hexdigest()
    except OSError as error:
        raise store_error(error, f"cannot read {run.paths.recipe}: {error.strerror}", "see simclr doctor") from None


def _write_again(store: Store, ready: Sequence[tuple[Run, State, str]]) -> None:
    """Write tickets, then the states that vouch for them, of runs that this process holds."""
    system, first = DeferredSync(), next_position(store)
    ticket = Ticket(code=recent_code_digest(), environment=kept_environment(), user=os.geteuid())
    raise_last(store.root, first + len(ready) - 1)  # once: nobody else takes these positions
    for number, (run, _, recipe) in enumerate(ready):
        mine = msgspec.structs.replace(ticket, position=first + number, recipe=recipe)
        write_ticket(run.paths, mine, system=system)
    system.settle()
    for run, status, _ in ready:
        write_state(run.paths, requeued(status, ""), durable=True, system=system)
        record(run.paths, status.attempt, "queued", message="again", step=status.step, system=system)
    system.settle()


def move(store: Store, run: Run, *, before: Run | None = None, last: bool = False, priority: int | None = None) -> None:
    """Move a waiting run: first of its priority, last, or before another run. Raises StoreError."""
    waiting = waiting_runs(store)
    for one in (run, *([before] if before else [])):
        if one.name not in waiting:
            raise StoreError(f"{one.name} does not wait in the queue, it is {one.state}", "see simclr queue ls")
    ticket = waiting.pop(run.name)
    wanted = waiting[before.name].priority if before else ticket.priority if priority is None else priority
    names = [name for name, other in waiting.items() if other.priority == wanted]
    place = names.index(before.name) if before else len(names) if last else 0
    names.insert(place, run.name)
    # Renumber from the end: a kill in between leaves every run but the moving one in its order.
    waiting[run.name] = msgspec.structs.replace(ticket, priority=wanted)
    top = max((other.position for other in waiting.values()), default=0)
    moved = names[place:] if not last else [run.name]
    for offset, name in reversed(list(enumerate(moved, start=1))):
        write_ticket(store.run(name).paths, msgspec.structs.replace(waiting[name], position=top + offset))


def move_by(store: Store, run: Run, places: int) -> None:
    """Move a run `places` positions later within its priority; earlier if negative. Raises StoreError."""
    waiting = waiting_runs(store)
    if run.name not in waiting:
        move(store, run)  # says why not
        return
    peers = [name for name, ticket in waiting.items() if ticket.priority == waiting[run.name].priority]
    place = max(0, peers.index(run.name) + places)
    peers.remove(run.name)
    last = place >= len(peers)
    move(store, run, before=None if last else store.run(peers[place]), last=last)


def toggle(store: Store) -> str:
    """Pause the queue, or resume a paused one. Returns a sentence on what it does now. Raises StoreError."""
    if not why_paused(store):
        pause(store)
        return "the queue is paused; runs under way continue"
    unpause(store)
    ensure_dispatcher(store)
    return "the queue is running again"


def waiting_runs(store: Store) -> dict[str, Ticket]:
    """Return the runs in state `queued`, the next one first."""
    found: dict[str, Ticket] = {}
    for name, ticket in tickets(store).items():
        with contextlib.suppress(StoreError):  # removed at this moment
            if store.run(name).state == "queued":
                found[name] = ticket
    return found


def settings(store: Store) -> Settings:
    return _read(queue_paths(store).settings, Settings) or Settings()


def pause(store: Store, why: str = "the user paused it") -> None:
    """Start nothing more until `unpause`; runs under way continue. Raises OSError."""
    _write(queue_paths(store).paused, Pause(why=why, since=SYSTEM_CLOCK.wall()))


def unpause(store: Store, slots: int | None = None) -> None:
    """Resume the queue at the user's request. Raises OSError."""
    paths = queue_paths(store)
    if slots is not None:
        _write(paths.settings, Settings(slots=slots))
    paths.paused.unlink(missing_ok=True)
    if not is_alive(_read(paths.dispatcher, ProcessId)):
        paths.dispatcher.unlink(missing_ok=True)


def why_paused(store: Store) -> str:
    """Return why nothing starts; empty when runs do start. A dispatcher that did not exit cleanly pauses the queue."""
    paths = queue_paths(store)
    if paths.paused.exists():
        return (_read(paths.paused, Pause) or Pause()).why
    last = _read(paths.dispatcher, ProcessId)
    if last is None or is_alive(last):
        return ""
    if last.boot == boot_id():
        return "its dispatcher was killed"
    if is_before_restart(last, _changed(paths.dispatcher)):
        return "the machine was restarted"
    return f"its dispatcher is at work on {safe(last.host)}, or was ended there"


def dispatches(store: Store) -> bool:
    """Return True if this user's dispatcher is at work."""
    return is_locked(queue_paths(store).lock)


def ensure_dispatcher(store: Store) -> str:
    """Start this user's dispatcher unless it is at work. Returns why it may not start; empty when all is well.

    Raises StoreError when it does not come up.
    """
    why = why_paused(store)
    if why or dispatches(store):
        return why
    make_folder(queue_paths(store).root, parents=True, exist_ok=True)
    paths = queue_paths(store)
    root = store.root.absolute()
    process = start_detached("simclr_tui.launch.queue.dispatcher", str(root), log=paths.log, folder=root)
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        # One that exits at once with code 0 found nothing to do, or another dispatcher at work.
        if dispatches(store) or process.poll() == 0:
            return ""
        if process.poll() is not None:
            break
        time.sleep(0.01)
    raise StoreError("the dispatcher of the queue did not come up", f"see {paths.log}")


def _read(path: Path, kind: Any) -> Any:
    try:
        return msgspec.json.decode(read_small(path), type=kind)
    except UNREADABLE:
        return None


def _changed(path: Path) -> float:
    """Return when a file was last written, in wall time; 0 for one that is not there."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _write(path: Path, value: msgspec.Struct) -> None:
    make_folder(path.parent, parents=True, exist_ok=True)
    write_file(path, msgspec.json.encode(value))
