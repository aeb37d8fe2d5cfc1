"""A run's state: as it was last written, and as it is now."""

from __future__ import annotations

import contextlib
import math
from typing import Literal

import msgspec

from simclr_tui.atomic import SYSTEM_OS, Os, is_locked, write_file
from simclr_tui.boot import boot_id
from simclr_tui.clock import SYSTEM_CLOCK, Clock
from simclr_tui.errors import ExitCode, StoreError, UnansweredError
from simclr_tui.paths import AttemptPaths, RunPaths
from simclr_tui.regular_file import read_small
from simclr_tui.store.checkpoints import manifests
from simclr_tui.store.events import read_events
from simclr_tui.store.process import ProcessId, is_alive, is_before_restart, trains_elsewhere
from simclr_tui.store.unreadable import UNREADABLE, refuse_unanswered, store_error
from simclr_tui.text import duration

StateName = Literal["queued", "starting", "running", "finished", "stopped", "failed", "lost"]
FlagName = Literal["diverged", "collapsed", "stalled", "elsewhere"]
STATES: tuple[StateName, ...] = ("running", "starting", "queued", "finished", "stopped", "failed", "lost")  # as listed
ACTIVE: frozenset[StateName] = frozenset({"starting", "running"})
OPEN: frozenset[StateName] = ACTIVE | {"queued"}  # neither ended nor lost
ENDED: frozenset[StateName] = frozenset(STATES) - OPEN
FLAGS: tuple[FlagName, ...] = ("diverged", "collapsed", "stalled", "elsewhere")  # beside the state, the worst first
ELSEWHERE_UNTIL = (
    300.0  # seconds of silence after which a run on another host is lost: its supervisor writes each second
)
STALLED_AFTER = 60.0  # seconds without a heartbeat: about ten of the slowest sensible steps


class State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Hold the content of state.json: the latest state and how it came about. Liveness is the lock, never this file.

    `heartbeat` is the monotonic time of the boot named in `process`. `time` is the seconds of training in this attempt,
    `elapsed` those in all earlier ones. `summary` holds the latest (and best) values of a few metrics.
    """

    state: StateName
    since: float
    attempt: int = 1
    reason: str = ""
    exit_code: int | None = None
    process: ProcessId | None = None
    supervisor: ProcessId | None = None
    step: int = 0
    steps: int = 0
    steps_per_epoch: int = 0
    elapsed: float = 0.0
    time: float = 0.0
    heartbeat: float = 0.0
    activity: str = ""
    summary: dict[str, float] = {}
    facts: dict[str, str | int | float] = {}
    flags: tuple[str, ...] = ()

    @property
    def progress(self) -> float:
        """Return the fraction of the run's steps that are done, 0–1."""
        return self.step / self.steps if self.steps else 0.0

    @property
    def eta(self) -> float | None:
        """Return the seconds to the end at the latest speed; None if no speed is known or the run is not active."""
        speed = self.summary.get("steps_per_s", 0.0)
        return (self.steps - self.step) / speed if speed > 0 and self.state in ACTIVE else None


_decoder = msgspec.json.Decoder(State)


def read_state(paths: RunPaths) -> State:
    """Return the state as last written. Raises StoreError if it cannot be read, UnansweredError if that may pass."""
    try:
        return _decoder.decode(read_small(paths.state))
    except UNREADABLE as error:
        message = f"{paths.root.name} has no readable state.json: {error}"
        raise store_error(error, message, "see its attempt folders") from None


def write_state(paths: RunPaths, state: State, durable: bool = False, *, system: Os = SYSTEM_OS) -> None:
    """Replace state.json whole. Figures that are not finite are left out: JSON cannot express them. Raises OSError."""
    finite = msgspec.structs.replace(
        state,
        summary={name: value for name, value in state.summary.items() if math.isfinite(value)},
        facts={name: fact for name, fact in state.facts.items() if isinstance(fact, str) or math.isfinite(fact)},
    )
    write_file(paths.state, msgspec.json.encode(finite), durable=durable, system=system)


def requeued(status: State, reason: str, clock: Clock = SYSTEM_CLOCK) -> State:
    """Return the state of a run that waits in the queue again, with the training time of its attempts added up."""
    return msgspec.structs.replace(
        status, state="queued", since=clock.wall(), reason=reason, elapsed=status.elapsed + status.time,
        time=0.0, process=None, supervisor=None, activity="", flags=(),
    )  # fmt: skip


def observe(paths: RunPaths, clock: Clock = SYSTEM_CLOCK) -> State:
    """Return the state as it is now: the written one, corrected by the lock and by which processes are alive.

    An active run whose processes have disappeared is `lost`; one that is alive but silent is flagged `stalled`. Raises
    StoreError if nothing in the folder tells the state, UnansweredError if the disk or the system does not at the
    moment: no run is lost for that.
    """
    try:
        return _observe(paths, clock)
    except OSError as error:
        refuse_unanswered(error, f"the state of {paths.root.name}")
        raise


def _observe(paths: RunPaths, clock: Clock) -> State:
    stored = read_or_rebuild(paths)
    if stored.state not in ACTIVE:
        return stored
    if paths.slurm.exists():
        return stored  # it may be on another machine, whose locks and processes mean nothing here; Slurm tracks it
    if is_locked(paths.lock):
        return _flag_stall(stored, clock)
    if any(is_alive(process) and not trains_elsewhere(process, paths.root) for process in _processes(stored)):
        return stored
    # The run may have written its final state after it was first read, and then ended.
    stored = read_or_rebuild(paths)
    if stored.state not in ACTIVE:
        return stored
    known = stored.process or stored.supervisor
    if known is None or known.boot == boot_id():
        return msgspec.structs.replace(stored, state="lost", reason="its process disappeared")
    if is_before_restart(known, _last_written(paths, stored)):
        return msgspec.structs.replace(stored, state="lost", reason="the machine was restarted")
    return _on_another_host(paths, stored, known.host, clock=clock)


def read_or_rebuild(paths: RunPaths) -> State:
    """Return the state as last written or, if that cannot be read, rebuilt from attempts and checkpoints.

    Some file systems lose a file that is being replaced during a power loss. Raises StoreError if there is nothing to
    rebuild it from, UnansweredError if the file may be whole but cannot be read at the moment.
    """
    try:
        return read_state(paths)
    except UnansweredError:
        raise
    except StoreError:
        attempts = paths.attempts()
        if not attempts or not paths.info.exists():
            raise
        return _rebuilt(paths, attempts[-1])


def _rebuilt(paths: RunPaths, newest: AttemptPaths) -> State:
    saved = max(manifests(paths, strict=True), key=lambda manifest: manifest.step, default=None)
    per_epoch = round(saved.step / saved.epoch) if saved is not None and saved.epoch else 0
    state = State(
        state="lost",
        since=newest.root.stat().st_mtime,
        attempt=newest.number,
        reason="its state.json was damaged: rebuilt from its checkpoints and events",
        step=saved.step if saved is not None else 0,
        steps_per_epoch=per_epoch,
    )
    if is_locked(paths.lock):
        return msgspec.structs.replace(state, state="running")
    last = next((event for event in reversed(read_events(paths, strict=True)) if event.event in _ENDS), None)
    if last is not None and last.attempt == newest.number:
        ended, code = _ENDS[last.event]
        step = state.step if last.step is None else last.step
        return msgspec.structs.replace(
            state, state=ended, since=last.wall, reason=last.message, exit_code=code, step=step
        )
    is_waiting = (paths.ticket.exists() or paths.slurm.exists()) and not newest.log.exists()
    return msgspec.structs.replace(state, state="queued", reason="") if is_waiting else state


_ENDS: dict[str, tuple[StateName, ExitCode]] = {
    "finished": ("finished", ExitCode.OK),
    "stopped": ("stopped", ExitCode.STOPPED),
    "failed": ("failed", ExitCode.FAILED),
}


def _processes(state: State) -> list[ProcessId]:
    return [process for process in (state.supervisor, state.process) if process is not None]


def _on_another_host(paths: RunPaths, stored: State, host: str, *, clock: Clock) -> State:
    """Return the state of a run on another machine, judged by when it last wrote to the folder.

    Locks and pids of another machine mean nothing here. As long as the last write is recent, the run is training
    there and nobody may start it here.
    """
    silent = max(0.0, clock.wall() - _last_written(paths, stored))
    seen = f"on {host}, last seen {duration(silent)} ago"
    if silent < ELSEWHERE_UNTIL:
        return msgspec.structs.replace(stored, reason=seen, flags=(*stored.flags, "elsewhere"))
    return msgspec.structs.replace(stored, state="lost", reason=f"it was {seen}")


def _last_written(paths: RunPaths, stored: State) -> float:
    """Return when the trainer or its supervisor last wrote, in seconds by the file system's clock."""
    times = [stored.since]
    for path in (paths.state, paths.attempt(stored.attempt).hardware):
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times)


def _flag_stall(state: State, clock: Clock) -> State:
    silent = clock.monotonic() - state.heartbeat
    if state.state != "running" or silent < STALLED_AFTER:
        return state
    return msgspec.structs.replace(state, flags=(*state.flags, "stalled"))
