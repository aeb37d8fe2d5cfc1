"""Start an attempt of a run: make its folder, then a detached supervisor that outlives this process."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import platform
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import NoReturn

import msgspec

from simclr_tui.atomic import SYSTEM_OS, Lock, Os, sync_folder, write_file
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import SimclrError, StoreError, UnansweredError
from simclr_tui.group_mode import make_folder
from simclr_tui.launch.detached import start_detached
from simclr_tui.launch.initial import settle_initial
from simclr_tui.launch.metadata import UNNAMED, Metadata
from simclr_tui.launch.plan import Plan, check_run_space, check_space, checkpoints_kept
from simclr_tui.launch.provenance import recent_git_commit
from simclr_tui.launch.turn import turn
from simclr_tui.recipe.resolve import to_toml
from simclr_tui.store.log_tail import read_end
from simclr_tui.store.names import check_name
from simclr_tui.store.process import this_process
from simclr_tui.store.run import FORMAT, Run, RunInfo
from simclr_tui.store.state import ACTIVE, State, write_state
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket, write_ticket
from simclr_tui.store.ticket_index import unmark
from simclr_tui.store.unreadable import store_error
from simclr_tui.text import storable
from simclr_tui.version import __version__

_READY_WITHIN = 60.0  # seconds within which the supervisor must report that it runs


def start(store: Store, plan: Plan, metadata: Metadata = UNNAMED) -> Run:
    """Make the run folder and start training in separate processes. Returns once they are under way.

    Raises StoreError when the store has no room or cannot be written, or the name is taken; nothing is left behind.
    """
    run = create(store, plan, metadata)
    try:
        _spawn(run, attempt=1)
    except (SimclrError, OSError) as error:
        _undo(run, error)
    return run


def create(
    store: Store, plan: Plan, metadata: Metadata = UNNAMED, *, queued: bool = False, ticket: Ticket | None = None
) -> Run:
    """Make the folder of a run, complete except for its processes.

    A `queued` run waits, under the queue's ticket or for Slurm. Raises StoreError when the store has no room or cannot
    be written, or the name is taken; nothing is left behind.
    """
    with filled(store, plan, metadata, queued=queued, ticket=ticket) as run:
        try:
            publish(run)
        except OSError as error:
            _undo(run, error)
    return run


@contextlib.contextmanager
def filled(
    store: Store, plan: Plan, metadata: Metadata, *, queued: bool, ticket: Ticket | None, system: Os = SYSTEM_OS
) -> Iterator[Run]:
    """Claim a folder, fill it with everything but run.json, and hold it while the caller publishes it.

    What the caller raises removes the folder, unless it is a run by then.
    """
    if metadata.name is not None:
        check_name(metadata.name)
    check_space(store.root, plan.cost.checkpoint_bytes, count=checkpoints_kept(plan.resolved.recipe))
    plan = dataclasses.replace(plan, resolved=settle_initial(store, plan.resolved))
    with store.claiming(metadata.name) as run:
        try:
            _fill(run, plan, ticket, info=_info(run, metadata), queued=queued, system=system)
            yield run
        except (SimclrError, OSError) as error:
            if run.paths.info.exists():
                raise
            _undo(run, error)


def _fill(run: Run, plan: Plan, ticket: Ticket | None, *, info: RunInfo, queued: bool, system: Os) -> None:
    recipe = to_toml(plan.resolved).encode()
    if ticket is not None:
        ticket = msgspec.structs.replace(ticket, recipe=hashlib.sha256(recipe).hexdigest())
        write_ticket(run.paths, ticket, durable=False, system=system)
    make_folder(run.paths.checkpoints)
    make_folder(run.paths.evaluations)
    make_folder(run.paths.attempt(1).root)
    write_file(run.paths.recipe, recipe, durable=False, system=system)
    if queued:
        state = State(state="queued", since=SYSTEM_CLOCK.wall(), steps=plan.steps or 0)
    else:
        state = State(state="starting", since=SYSTEM_CLOCK.wall(), supervisor=this_process())
    write_state(run.paths, state, system=system)
    content = msgspec.json.format(msgspec.json.encode(info), indent=2)
    write_file(run.paths.unpublished, content, durable=False, system=system)


def publish(run: Run, system: Os = SYSTEM_OS) -> None:
    """Give run.json its name, which makes the folder a run: all else in it is on the disk."""
    system.replace(run.paths.unpublished, run.paths.info)
    sync_folder(run.path, system)


def _undo(run: Run, error: SimclrError | OSError) -> NoReturn:
    """Remove a run that could not be made, and raise why. Raises StoreError for an OSError."""
    shutil.rmtree(run.path, ignore_errors=True)
    unmark(run.paths)
    if isinstance(error, OSError):
        raise StoreError(f"cannot write {run.path}: {error.strerror}", "see simclr doctor") from None
    raise error


def _info(run: Run, metadata: Metadata) -> RunInfo:
    return RunInfo(
        format=FORMAT,
        id=uuid.uuid4().hex,
        name=run.name,
        created=SYSTEM_CLOCK.wall(),
        version=__version__,
        command=[storable(word) for word in metadata.command or sys.argv],  # a path need not be UTF-8
        git_commit=recent_git_commit(),
        host=platform.node(),
        tags=list(metadata.tags),
        note=metadata.note,
        trial=metadata.trial,
    )


def resume(run: Run) -> int:
    """Start another attempt from the newest checkpoint, or a queued run out of turn. Returns the attempt's number.

    If two processes resume at once, one wins. Raises StoreError when the run is training, finished or being resumed.
    """
    check_run_space(run.path, run)
    with claimed(run):
        status = run.status
        if "elsewhere" in status.flags:
            raise StoreError(f"{run.name} trains {status.reason}", "stop it there, or wait until it is lost")
        if status.state in ACTIVE:
            raise StoreError(f"{run.name} is already training", f"watch it: simclr attach {run.name}")
        if run.info.origin is not None:
            hint = f"start from it: --init {run.name}" if run.checkpoints else "start a run of your own: simclr run"
            raise StoreError(f"{run.name} is read-only: it was not trained here", hint)
        if status.state == "finished":
            hint = f"train it longer: simclr resume {run.name} --epochs N"
            raise StoreError(f"{run.name} is finished", hint)
        return _begin(run, status)


def start_queued(run: Run, ticket: Ticket | None, environment: Mapping[str, str]) -> int:
    """Start a run whose turn has come, under its new ticket (None: Slurm's). Returns the attempt's number.

    If two processes take the same run, one wins. Raises StoreError when it no longer waits, or cannot be started.
    """
    with claimed(run):
        status = run.status
        if status.state != "queued":
            raise StoreError(f"{run.name} no longer waits, it is {status.state}", "see simclr ls")
        if ticket is not None:
            write_ticket(run.paths, ticket)
        return _begin(run, status, environment)


@contextlib.contextmanager
def claimed(run: Run) -> Iterator[None]:
    """Hold the run between two attempts: no one else can start one or take the run out of the queue."""
    lock = Lock(run.paths.launch_lock)
    try:
        if not lock.acquire():
            raise StoreError(f"{run.name} is being resumed by someone else", f"watch it: simclr attach {run.name}")
        with turn(run.paths):
            yield
    except OSError as error:
        raise store_error(error, f"cannot write {run.path}: {error.strerror}", "see simclr doctor") from None
    finally:
        lock.release()


def _begin(run: Run, status: State, environment: Mapping[str, str] | None = None) -> int:
    number = _next_attempt(run, status)
    starting = State(
        state="starting",
        since=SYSTEM_CLOCK.wall(),
        attempt=number,
        supervisor=this_process(),
        step=status.step,
        steps=status.steps,
        steps_per_epoch=status.steps_per_epoch,
        elapsed=status.elapsed + status.time,
        summary=status.summary,
        facts=status.facts,
    )
    write_state(run.paths, starting, durable=True)
    _spawn(run, number, environment)
    return number


def _next_attempt(run: Run, status: State) -> int:
    """Return the next attempt's number: the first reuses the folder made at queueing, each later one gets its own."""
    waiting = run.paths.attempt(status.attempt)
    if status.state == "queued" and waiting.root.exists() and not waiting.log.exists():
        return status.attempt
    number = max((attempt.number for attempt in run.paths.attempts()), default=0) + 1
    make_folder(run.paths.attempt(number).root)
    return number


def _spawn(run: Run, attempt: int, environment: Mapping[str, str] | None = None) -> None:
    """Start the supervisor of an attempt, and wait until it has taken the run over."""
    log = run.paths.attempt(attempt).log
    of = (str(run.path.absolute()), str(attempt))
    folder = run.path.absolute().parent
    process = start_detached("simclr_tui.launch.supervisor", *of, log=log, folder=folder, environment=environment)
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        if _has_taken_over(run, process):
            return
        if process.poll() is not None:
            break
        time.sleep(0.005)
    if _gave_up(run, process):
        return
    words = last_words(run, attempt) or "its supervisor did not answer"
    raise StoreError(f"{run.name} could not be started: {words}", f"see {log}")


def _has_taken_over(run: Run, process: subprocess.Popen[bytes]) -> bool:
    with contextlib.suppress(UnansweredError):
        supervisor = run.status.supervisor
        return supervisor is not None and supervisor.pid == process.pid
    return False


def _gave_up(run: Run, process: subprocess.Popen[bytes]) -> bool:
    """End a supervisor that is too slow: an attempt reported as failed must not train after all.

    Returns True if it took over at this very moment; it is halted first, so that it cannot do so unseen.
    """
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGSTOP)
        if _has_taken_over(run, process):
            process.send_signal(signal.SIGCONT)
            return True
        process.kill()
    process.wait()
    return False


def last_words(run: Run, attempt: int) -> str:
    """Return the last line a trainer printed; empty when it printed none."""
    with contextlib.suppress(OSError):
        lines = read_end(run.paths.attempt(attempt).log, 4096).decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""
    return ""
