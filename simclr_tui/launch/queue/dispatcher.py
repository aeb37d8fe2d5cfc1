"""The one process that starts queued runs: `python -m simclr_tui.launch.queue.dispatcher STORE`.

It starts when there is work and exits when there is none. Its only memory is the files: each pass reads the tickets
and the states anew, so it can be killed at any moment and another takes over.
"""

from __future__ import annotations

import contextlib
import hashlib
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import msgspec
import psutil

from simclr_tui.atomic import Lock, write_file
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import ExitCode, SimclrError, StoreError, UnansweredError
from simclr_tui.group_mode import make_folder
from simclr_tui.hardware.gpu import shared_reader
from simclr_tui.hardware.host import ProcessTree
from simclr_tui.hardware.sample import GpuSample
from simclr_tui.hardware.visible import VISIBLE, gpu_key, visible_to
from simclr_tui.launch.environment import environment_fault
from simclr_tui.launch.plan import check_run_space
from simclr_tui.launch.provenance import code_digest, git_commit
from simclr_tui.launch.queue.dependencies import waits_for
from simclr_tui.launch.queue.gpu_slots import Place, environment, find_place, wants_gpu
from simclr_tui.launch.queue.queue import pause, settings, why_paused
from simclr_tui.launch.queue.retry import settle
from simclr_tui.launch.queue.unqueued import started_by_hand
from simclr_tui.launch.queue.users import is_started_here, queue_paths
from simclr_tui.launch.start import claimed, start_queued
from simclr_tui.launch.tell import start_telling
from simclr_tui.regular_file import read_small
from simclr_tui.store.events import record
from simclr_tui.store.process import is_alive, this_process
from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE, State, read_state, requeued, write_state
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket, drop_ticket, look_at_tickets, write_ticket

_TICK = 0.25  # seconds between two passes; more where a pass takes long
_LOOK_SHARE = 10
_HELD_UP = 2.0  # seconds before a store that could not be written is retried


def main(root: str) -> int:
    """Dispatch until nothing is left that could start. Returns at once where this user has one at work already."""
    store = Store(Path(root))
    signal.signal(signal.SIGTERM, _ended)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    make_folder(queue_paths(store).root, parents=True, exist_ok=True)  # before its files are named: see queue_paths
    lock = Lock(queue_paths(store).lock)
    # A command that queues a run checks the lock after writing the ticket: a last pass after release misses nothing.
    while not why_paused(store) and look_at(store).busy:
        if not lock.acquire():
            return ExitCode.OK
        try:
            _dispatch(store)
        finally:
            lock.release()
    return ExitCode.OK


def _ended(number: int, _frame: FrameType | None) -> None:
    """Exit on a signal; the record stays behind, which pauses the queue."""
    sys.exit(128 + number)


def _dispatch(store: Store) -> None:
    paths, recorded = queue_paths(store), False
    while True:
        began = time.monotonic()
        try:
            if not recorded:
                write_file(paths.dispatcher, msgspec.json.encode(this_process()))
                recorded = True
            if not _step(store):
                break
        except OSError as error:  # a full disk, or one that does not answer: no run is to blame
            print(f"the queue is held up: {error}", flush=True)
            with contextlib.suppress(OSError):
                pause(store, f"the store could not be written ({error.strerror})")
            time.sleep(_HELD_UP)
        time.sleep(max(_TICK, _LOOK_SHARE * (time.monotonic() - began)))
    paths.dispatcher.unlink(missing_ok=True)


def _step(store: Store) -> bool:
    """Settle runs that have ended and start those that can. Returns False once there is nothing left to wait for."""
    with _turn(store) as has_turn:
        return _look_and_start(store) if has_turn else True


@contextlib.contextmanager
def _turn(store: Store) -> Iterator[bool]:
    """Take the free slots before the dispatchers of other users look for them, or say that one of them does so now."""
    lock, taken = Lock(queue_paths(store).turn), True
    with contextlib.suppress(PermissionError):  # another user's, in a store that is not shared
        taken = lock.acquire()
    try:
        yield taken
    finally:
        lock.release()


def _look_and_start(store: Store) -> bool:
    look = look_at(store)
    for name, ticket in look.ended.items():
        with contextlib.suppress(StoreError):  # resumed by someone at this moment
            _settle(store, store.run(name), ticket)
    if not why_paused(store):
        _start_ready(store, look)
    elif not look.going:
        return False
    return look.busy


def _settle(store: Store, run: Run, ticket: Ticket) -> None:
    """Retry the run or release it; pause the queue instead if the installation failed, so no other run fails too."""
    status = run.status
    if status.state == "failed" and status.exit_code == ExitCode.FAILED and not status.step:
        fault = environment_fault()
        if fault:
            return _hold(store, run, ticket, why=fault)
    settle(run, ticket)
    return None


def _hold(store: Store, run: Run, ticket: Ticket, *, why: str) -> None:
    """Pause the queue and put the run back in its position."""
    pause(store, why)
    with claimed(run):
        write_state(run.paths, requeued(run.status, f"the queue was paused: {why}"), durable=True)
        write_ticket(run.paths, msgspec.structs.replace(ticket, gpus=()))
    print(f"{run.name}: {why}", flush=True)


@dataclass(frozen=True)
class Look:
    """Hold the queue as the files show it, as far as this user's dispatcher starts its runs.

    Runs that may start, in order; runs under way; runs that have ended and are not settled; runs under way that are
    another dispatcher's, but take slots; and whether anything can still happen without the user.
    """

    ready: dict[str, Ticket]
    going: dict[str, tuple[Ticket, State]]
    ended: dict[str, Ticket]
    others: dict[str, tuple[Ticket, State]]
    hopeful: bool

    @property
    def slots_taken(self) -> dict[str, tuple[Ticket, State]]:
        return self.going | self.others

    @property
    def busy(self) -> bool:
        return bool(self.ready or self.going or self.ended or self.hopeful)


def look_at(store: Store) -> Look:
    """Return the queue as it is now. What it costs is decided by the runs that wait or train, not by those that ended.

    Raises StoreError if the store cannot be read.
    """
    ready: dict[str, Ticket] = {}
    going: dict[str, tuple[Ticket, State]] = {}
    ended: dict[str, Ticket] = {}
    others: dict[str, tuple[Ticket, State]] = {}
    kept, is_ours = look_at_tickets(store), is_started_here(store)
    hopeful, waiting, others_start = kept.unanswered > 0, False, False
    for name, ticket in kept.tickets.items():
        try:
            status = store.run(name).status
        except UnansweredError as error:  # it may wait, train or have ended: the next pass may tell
            hopeful = hopeful or error.may_pass
            continue
        except StoreError:
            continue  # removed at this moment, or damaged: nothing to start
        ours = is_ours(ticket)
        if status.state in ACTIVE:
            (going if ours else others)[name] = (ticket, status)
        elif status.state != "queued":
            if ours:
                ended[name] = ticket
        else:
            waits = waits_for(store, ticket)
            if not ours:
                others_start = others_start or not waits.reason
                continue
            waiting, hopeful = True, hopeful or waits.hopeful
            if not waits.reason:
                ready[name] = ticket
    # A run of ours may wait for one that another user's dispatcher is about to start.
    return Look(ready, going, ended, others, hopeful or (waiting and others_start))


def _start_ready(store: Store, look: Look) -> None:
    """Start the runs that fit, in order. A run without a free slot holds up those behind it that may use its GPUs."""
    if not look.ready:
        return
    slots_taken = look.slots_taken
    gpus = _gpus(status for _, status in slots_taken.values())
    taken = [ticket.gpus for ticket, _ in slots_taken.values()]
    slots = settings(store).slots
    if gpus or len(taken) < slots:
        for one in started_by_hand(store, slots_taken):
            taken += _taken_by_hand(store.run(one), gpus, slots)
    # What each waiting run may use: the GPUs that were visible to whoever queued it, or the CPU.
    seen = {name: visible_to(gpus, ticket.environment.get(VISIBLE)) for name, ticket in look.ready.items()}
    kinds = {(), *(_keys(ours) for ours in seen.values())}
    full: set[Place] = set()
    for name, ticket in look.ready.items():
        run = store.run(name)
        try:
            recipe = run.recipe
        except UnansweredError:
            continue
        except SimclrError as error:
            _fail(run, str(error))
            continue
        kind = _keys(seen[name]) if wants_gpu(recipe, seen[name]) else ()
        place = None if kind in full else find_place(recipe, taken, seen[name], slots=slots)
        if place is None:
            full.add(kind)
            taken += [(key,) for key in kind] * slots  # those behind it must not take what it waits for
        elif _start_at(store, run, ticket, place=place, seen=seen[name]):
            taken.append(place)
        if full >= kinds or why_paused(store):
            return


def _keys(gpus: Sequence[GpuSample]) -> Place:
    return tuple(gpu_key(gpu) for gpu in gpus)


def _gpus(going: Iterable[State]) -> Sequence[GpuSample]:
    """Return all GPUs with the memory that our runs hold on each.

    Every process of a run counts (`--gpus 2` has two): all are children of the supervisor.
    """
    if not shared_reader().count():
        return []
    ours = [one for status in going for one in (status.supervisor, status.process) if one and is_alive(one)]
    pids = {pid for one in ours for pid in ProcessTree(one.pid).read().pids}
    return shared_reader().gpus(pids)


def _taken_by_hand(run: Run, gpus: Sequence[GpuSample], slots: int) -> list[Place]:
    """Return what a run that was started by hand takes: one slot of the CPU, or its GPUs whole.

    Its GPUs are taken before there is anything of it in their memory, which tells of everybody else's programs.
    """
    with contextlib.suppress(SimclrError, OSError, psutil.Error):  # removed or ended at this moment, or damaged
        recipe, supervisor = run.recipe, run.status.supervisor
        named = None
        if supervisor is not None:
            with contextlib.suppress(psutil.AccessDenied):  # another user's: its GPUs are counted from the first
                named = psutil.Process(supervisor.pid).environ().get(VISIBLE)
        ours = visible_to(gpus, named)
        if not wants_gpu(recipe, ours):
            return [()]
        first = recipe.device.removeprefix("cuda:")
        begin = int(first) if first.isdigit() else 0
        taken: list[Place] = [(key,) for key in _keys(ours)[begin : begin + int(recipe.gpus)]]
        return taken * slots
    return []


def _start_at(store: Store, run: Run, ticket: Ticket, *, place: Place, seen: Sequence[GpuSample]) -> bool:
    """Start one run on the GPUs of `place`, with the environment in which it was queued.

    A numbered GPU (`cuda:1`) counts among those that whoever queued it could see, whatever this process sees.
    """
    ours = {VISIBLE: ",".join(_keys(seen))} if place else {}
    variables = ours | ticket.environment | environment(run.recipe, place)
    return _start(store, run, msgspec.structs.replace(ticket, gpus=place), variables=variables)


def _start(store: Store, run: Run, ticket: Ticket, *, variables: Mapping[str, str]) -> bool:
    """Start one run. A store without room pauses the queue; a run that cannot start is marked failed."""
    if why := _disk_fault(store, run):
        pause(store, why)
        return False
    try:
        attempt = start_queued(run, ticket, variables)
    except StoreError as error:
        if _is_ours(run):
            fault = environment_fault() or _disk_fault(store, run)
            if isinstance(error, UnansweredError):  # of the disk or the system: no run is to blame
                fault = fault or error.message
            if fault:
                _hold(store, run, ticket, why=fault)
            else:
                _fail(run, str(error))
        print(f"{run.name}: {error}", flush=True)
        return False
    place = ", ".join(ticket.gpus) or "the CPU"
    print(f"{run.name}: attempt {attempt} on {place}", flush=True)
    record(run.paths, attempt, "dequeued", message=f"on {place}", step=run.status.step)
    for change in _changes(run, ticket):
        record(run.paths, attempt, "warning", message=change)
    return True


def _is_ours(run: Run) -> bool:
    """Return True if the run was started by this dispatcher and its supervisor has not taken over."""
    with contextlib.suppress(StoreError):
        status = read_state(run.paths)
        return status.state == "starting" and status.supervisor == this_process()
    return False


def _fail(run: Run, reason: str) -> None:
    """Record why the run cannot be started, and release it: it would fail again."""
    status = run.status
    failed = msgspec.structs.replace(
        status, state="failed", reason=reason, exit_code=ExitCode.FAILED, since=SYSTEM_CLOCK.wall()
    )
    write_state(run.paths, failed, durable=True)
    drop_ticket(run.paths)
    record(run.paths, status.attempt, "failed", message=reason, step=status.step)
    start_telling(run.paths)


def _disk_fault(store: Store, run: Run) -> str:
    """Return why the store cannot take another run; empty when it can."""
    try:
        check_run_space(store.root, run)
    except SimclrError as error:
        return str(error)
    return ""


def _changes(run: Run, ticket: Ticket) -> list[str]:
    """Return a sentence for each thing that has changed since the run was queued."""
    found = []
    if ticket.code and ticket.code != code_digest():
        queued, now = run.info.git_commit[:8] or "?", git_commit()[:8] or "?"
        found.append(f"the program was changed while the run waited (queued at commit {queued}, started at {now})")
    if ticket.recipe and ticket.recipe != hashlib.sha256(read_small(run.paths.recipe)).hexdigest():
        found.append("recipe.toml was changed while the run waited; it trains by what stands there now")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
