"""A run's state: what was written about it, and what is true of it now."""

from __future__ import annotations

import contextlib
import math
import platform
from typing import Literal

import msgspec

from simclr_tui.atomic import is_locked, write_file
from simclr_tui.clock import SYSTEM_CLOCK, Clock
from simclr_tui.errors import ExitCode, StoreError
from simclr_tui.paths import AttemptPaths, RunPaths
from simclr_tui.regular_file import read_small
from simclr_tui.store.checkpoints import manifests
from simclr_tui.store.events import read_events
from simclr_tui.store.process import ProcessId, boot_id, is_alive, trains_elsewhere
from simclr_tui.store.unreadable import UNREADABLE
from simclr_tui.text import duration

StateName = Literal["queued", "starting", "running", "finished", "stopped", "failed", "lost"]
FlagName = Literal["diverged", "collapsed", "stalled", "elsewhere"]
STATES: tuple[StateName, ...] = ("running", "starting", "queued", "finished", "stopped", "failed", "lost")  # as listed
ACTIVE: frozenset[StateName] = frozenset({"starting", "running"})
OPEN: frozenset[StateName] = ACTIVE | {"queued"}  # neither ended nor lost
FLAGS: tuple[FlagName, ...] = ("diverged", "collapsed", "stalled", "elsewhere")  # beside the state, the worst first
ELSEWHERE_UNTIL = 300.0  # seconds after which a run on another host is given up: its supervisor writes every second
STALLED_AFTER = 60.0  # seconds without a heartbeat: about ten of the slowest sensible steps


class State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """state.json: the latest state and how it came about. Derived facts only; liveness is the lock.

    `heartbeat` is monotonic time of the boot named in `process`; `elapsed`, seconds of training of all attempts
    before this one; `summary`, the latest (and best) values of a few metrics.
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
        """Share of the run's steps that are done, 0–1."""
        return self.step / self.steps if self.steps else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds to the end at the latest speed; None before there is one."""
        speed = self.summary.get("steps_per_s", 0.0)
        return (self.steps - self.step) / speed if speed > 0 and self.state in ACTIVE else None


_decoder = msgspec.json.Decoder(State)


def read_state(paths: RunPaths) -> State:
    """What was last written. Raises StoreError when there is nothing readable."""
    try:
        return _decoder.decode(read_small(paths.state))
    except UNREADABLE as error:
        raise StoreError(f"{paths.root.name} has no readable state.json: {error}", "see its attempt folders") from None


def write_state(paths: RunPaths, state: State, durable: bool = False) -> None:
    """Replace state.json whole. Figures that are not finite are left out: JSON has no word for them."""
    finite = msgspec.structs.replace(
        state,
        summary={name: value for name, value in state.summary.items() if math.isfinite(value)},
        facts={name: fact for name, fact in state.facts.items() if isinstance(fact, str) or math.isfinite(fact)},
    )
    write_file(paths.state, msgspec.json.encode(finite), durable=durable)


def waiting_again(status: State, reason: str, clock: Clock = SYSTEM_CLOCK) -> State:
    """The state of a run that waits once more, with what its attempts have come to."""
    return msgspec.structs.replace(
        status, state="queued", since=clock.wall(), reason=reason, elapsed=status.elapsed + status.time,
        time=0.0, process=None, supervisor=None, activity="", flags=(),
    )  # fmt: skip


def observe(paths: RunPaths, clock: Clock = SYSTEM_CLOCK) -> State:
    """What is true now: what was written, corrected by the lock and by who is alive.

    A run said to be active whose processes are gone is `lost`; one that is alive but silent is flagged `stalled`.
    """
    stored = _read_or_rebuild(paths)
    if stored.state not in ACTIVE:
        return stored
    if paths.slurm.exists():
        return stored  # on another machine: its locks, boots and processes say nothing here, Slurm does
    if is_locked(paths.lock):
        return _flag_stall(stored, clock)
    if any(is_alive(one) and not trains_elsewhere(one, paths.root) for one in _processes(stored)):
        return stored
    # The last words may have been written between the two looks.
    stored = _read_or_rebuild(paths)
    if stored.state not in ACTIVE:
        return stored
    known = stored.process or stored.supervisor
    if known is None or known.boot == boot_id():
        return msgspec.structs.replace(stored, state="lost", reason="its process disappeared")
    if known.host in ("", platform.node()):
        return msgspec.structs.replace(stored, state="lost", reason="the machine was restarted")
    return _of_another_host(paths, stored, known.host, clock=clock)


def _read_or_rebuild(paths: RunPaths) -> State:
    """Return what was last written; where that cannot be read, what attempts and checkpoints say of the run.

    Some file systems lose a file that was replaced in the moment of a power loss. Raises StoreError where nothing says
    anything.
    """
    try:
        return read_state(paths)
    except StoreError:
        attempts = paths.attempts()
        if not attempts or not paths.info.exists():
            raise
        return _rebuilt(paths, attempts[-1])


def _rebuilt(paths: RunPaths, newest: AttemptPaths) -> State:
    saved = max(manifests(paths), key=lambda manifest: manifest.step, default=None)
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
    last = next((event for event in reversed(read_events(paths)) if event.event in _ENDS), None)
    if last is not None and last.attempt == newest.number:
        ended, code = _ENDS[last.event]
        step = state.step if last.step is None else last.step
        return msgspec.structs.replace(
            state, state=ended, since=last.wall, reason=last.message, exit_code=code, step=step
        )
    waits = (paths.ticket.exists() or paths.slurm.exists()) and not newest.log.exists()
    return msgspec.structs.replace(state, state="queued", reason="") if waits else state


_ENDS: dict[str, tuple[StateName, ExitCode]] = {
    "finished": ("finished", ExitCode.OK),
    "stopped": ("stopped", ExitCode.STOPPED),
    "failed": ("failed", ExitCode.FAILED),
}


def _processes(state: State) -> list[ProcessId]:
    return [one for one in (state.supervisor, state.process) if one is not None]


def _of_another_host(paths: RunPaths, stored: State, host: str, *, clock: Clock) -> State:
    """Locks and pids of another machine say nothing here; what it writes does. While its last sign of life is recent
    the run trains there, and nobody may begin it anew."""
    silent = max(0.0, clock.wall() - _last_sign(paths, stored))
    seen = f"on {host}, last seen {duration(silent)} ago"
    if silent < ELSEWHERE_UNTIL:
        return msgspec.structs.replace(stored, reason=seen, flags=(*stored.flags, "elsewhere"))
    return msgspec.structs.replace(stored, state="lost", reason=f"it was {seen}")


def _last_sign(paths: RunPaths, stored: State) -> float:
    """Return when the trainer or its supervisor last wrote, in seconds of the file system's clock."""
    signs = [stored.since]
    for path in (paths.state, paths.attempt(stored.attempt).hardware):
        with contextlib.suppress(OSError):
            signs.append(path.stat().st_mtime)
    return max(signs)


def _flag_stall(state: State, clock: Clock) -> State:
    silent = clock.monotonic() - state.heartbeat
    if state.state != "running" or silent < STALLED_AFTER:
        return state
    return msgspec.structs.replace(state, flags=(*state.flags, "stalled"))
