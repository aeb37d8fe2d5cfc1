"""A run's state: what was written about it, and what is true of it now."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from simclr_tui.atomic import is_locked, write_file
from simclr_tui.clock import SYSTEM_CLOCK, Clock
from simclr_tui.errors import StoreError
from simclr_tui.paths import RunPaths
from simclr_tui.store.process import ProcessId, boot_id, is_alive
from simclr_tui.store.unreadable import UNREADABLE

StateName = Literal["queued", "starting", "running", "finished", "stopped", "failed", "lost"]
FlagName = Literal["diverged", "collapsed", "stalled"]
STATES: tuple[StateName, ...] = ("running", "starting", "queued", "finished", "stopped", "failed", "lost")  # as listed
ACTIVE: frozenset[StateName] = frozenset({"starting", "running"})
OPEN: frozenset[StateName] = ACTIVE | {"queued"}  # neither ended nor lost
FLAGS: tuple[FlagName, ...] = ("diverged", "collapsed", "stalled")  # beside the state, the worst first
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
        return _decoder.decode(paths.state.read_bytes())
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
    stored = read_state(paths)
    if stored.state not in ACTIVE:
        return stored
    if paths.slurm.exists():
        return stored  # on another machine: its locks, boots and processes say nothing here, Slurm does
    if is_locked(paths.lock):
        return _flag_stall(stored, clock)
    if is_alive(stored.supervisor) or is_alive(stored.process):
        return stored
    # The last words may have been written between the two looks.
    stored = read_state(paths)
    if stored.state not in ACTIVE:
        return stored
    known = stored.process or stored.supervisor
    rebooted = known is not None and known.boot != boot_id()
    reason = "the machine was restarted" if rebooted else "its process is gone without a word"
    return msgspec.structs.replace(stored, state="lost", reason=reason)


def _flag_stall(state: State, clock: Clock) -> State:
    silent = clock.monotonic() - state.heartbeat
    if state.state != "running" or silent < STALLED_AFTER:
        return state
    return msgspec.structs.replace(state, flags=(*state.flags, "stalled"))
