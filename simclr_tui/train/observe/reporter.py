"""Write what the trainer reports into its run folder: metrics, events, state and log. Does not need torch."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from simclr_tui.clock import SYSTEM_CLOCK, Clock
from simclr_tui.errors import StoreError
from simclr_tui.group_mode import make_folder
from simclr_tui.paths import RunPaths
from simclr_tui.store.energy import read_energy
from simclr_tui.store.events import PROCESS_FAILED, EventLog
from simclr_tui.store.held_folder import HeldFolder
from simclr_tui.store.metrics.writer import MetricWriter
from simclr_tui.store.process import this_process
from simclr_tui.store.state import State, StateName, read_state, write_state

_SLOWEST_BEAT, _SHARE = 10.0, 0.01  # seconds; what writing may take of the time, on a disk that is slow to sync
_ENERGY_EVERY = 10.0  # seconds between two looks at the energy so far
_BEAT = 1.0  # seconds between two writes of state.json while nothing changes but the step


class Reporter:
    """Metrics, events, state and heartbeat of one attempt."""

    def __init__(self, paths: RunPaths, clock: Clock = SYSTEM_CLOCK, folder: HeldFolder | None = None) -> None:
        self._paths = paths
        self._folder = folder
        self._clock = clock
        self._began = clock.monotonic()
        self._state = read_state(paths)
        self._beat_at, self._beat = 0.0, _BEAT
        self._energy_at = self._began
        attempt = paths.attempt(self._state.attempt)
        make_folder(attempt.root, exist_ok=True)
        self.metrics = MetricWriter(attempt)
        self._events = EventLog(attempt)

    @property
    def paths(self) -> RunPaths:
        """Return where to write: the run's folder, wherever it lies by now."""
        return self._paths if self._folder is None else self._folder.paths

    @property
    def seconds(self) -> float:
        """Return the seconds since this attempt began."""
        return self._clock.monotonic() - self._began

    @property
    def state(self) -> State:
        return self._state

    def log(self, line: str) -> None:
        """Write one line to output.log."""
        print(line, flush=True)

    def event(self, event: str, message: str, step: int | None = None, **details: int | bool) -> None:
        """Write one event to events.jsonl."""
        self._events.write(event, message, step=step, **details)

    def starting(self, activity: str) -> None:
        self._update(state="starting", process=this_process(), activity=activity)

    def running(self, steps: int, steps_per_epoch: int, step: int, *, facts: Mapping[str, str | int | float]) -> None:
        """Record that training goes on from `step`."""
        merged = {**self._state.facts, **facts}
        self._update(
            state="running", steps=steps, steps_per_epoch=steps_per_epoch, step=step, facts=merged, activity="training"
        )
        again = f"attempt {self._state.attempt}, from step {step}" if self._state.attempt > 1 else ""
        self.event("started", again, step)

    def busy(self, activity: str) -> None:
        """Record what the process is busy with, as a sign of life; at most once a second for one activity."""
        if activity != self._state.activity or self._clock.monotonic() - self._beat_at > self._beat:
            self._update(activity=activity)

    def write_metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Write one line of metrics; the newest values go into the summary too."""
        epoch = step / self._state.steps_per_epoch if self._state.steps_per_epoch else 0.0
        self.metrics.write(step, epoch, self.seconds, values=values)

    def progress(self, step: int, summary: Mapping[str, float]) -> None:
        """Record the step reached and the newest metrics; written at most once a second."""
        merged = {**self._state.summary, **summary}
        self._state = msgspec.structs.replace(self._state, step=step, summary=merged)
        self.busy("training")

    def evaluated(self, step: int, values: Mapping[str, float]) -> None:
        """Record an evaluation of h after `step` updates."""
        self.write_metrics(step, values)
        known = self._state.summary
        summary = {**known, **values}
        if "knn" in values:
            accuracy = values["knn"]
            summary["knn_first"] = known.get("knn_first", accuracy)
            summary["knn_best"] = max(known.get("knn_best", 0.0), accuracy)
        self._update(summary=summary)
        knn = f"kNN {values['knn']:.2%}, " if "knn" in values else ""
        words = f"{knn}effective rank of h {values['rank_h']:.0f}, of z {values['rank_z']:.0f}"
        self.event("evaluation", words, step)
        self.log(f"{words} after step {step}")

    def flag(self, name: str, raised: bool, why: str) -> None:
        """Raise a flag beside the state, or take it down; a warning tells when it goes up."""
        if raised == (name in self._state.flags):
            return
        others = tuple(flag for flag in self._state.flags if flag != name)
        self._update(flags=(*others, name) if raised else others)
        if raised:
            self.event("warning", why, self._state.step)
            self.log(why)

    def ended(self, state: StateName, reason: str, exit_code: int, *, flag: str = "") -> None:
        """Record how and why the attempt ended."""
        self.metrics.close()
        self.event(state, reason, self._state.step)
        flags = tuple(dict.fromkeys((*self._state.flags, *([flag] if flag else []))))
        self._update(state=state, reason=reason, exit_code=exit_code, activity="", flags=flags, durable=True)
        self._events.close()

    def check(self) -> None:
        """Raise StoreError once this attempt is not the run's any more: its folder was moved, deleted or replaced, or
        another attempt was begun where the lock of this one is not seen."""
        if self._folder is None:
            return
        self._folder.check()
        if self._superseded:
            name = self._paths.root.name
            raise StoreError(f"another attempt of {name} has begun on another host", f"see simclr show {name}")

    @property
    def _superseded(self) -> bool:
        try:
            return self._folder is not None and read_state(self.paths).attempt > self._state.attempt
        except StoreError:  # unreadable, and about to be replaced
            return False

    def _update(self, durable: bool = False, **changes: object) -> None:
        if not durable:
            self.check()
        elif self._superseded:  # the state is the other attempt's; this one's events have its last words
            return
        if "state" in changes and changes["state"] != self._state.state:
            changes["since"] = self._clock.wall()
        self._state = msgspec.structs.replace(
            self._state, time=self.seconds, heartbeat=self._clock.monotonic(), **changes
        )
        self._beat_at = self._state.heartbeat
        if durable or self._clock.monotonic() - self._energy_at > _ENERGY_EVERY:
            self._add_energy()
        began = self._clock.monotonic()
        try:
            write_state(self.paths, self._state, durable=durable)
        except OSError as error:
            # A full disk must not end a training run; the lock still says that it is alive.
            self.log(f"state.json could not be written: {error.strerror}")
        self._beat = min(_SLOWEST_BEAT, max(_BEAT, (self._clock.monotonic() - began) / _SHARE))

    def _add_energy(self) -> None:
        """Take what the supervisor has measured into the summary, for lists."""
        self._energy_at = self._clock.monotonic()
        summary = {**self._state.summary, **read_energy(self.paths).summary()}
        self._state = msgspec.structs.replace(self._state, summary=summary)


class QuietReporter(Reporter):
    """Report for a rank other than 0, which writes nothing but its log lines and why it failed."""

    def __init__(self, paths: RunPaths, rank: int) -> None:
        super().__init__(paths)
        self._rank = rank

    def log(self, line: str) -> None:
        super().log(f"process {self._rank}: {line}")

    def write_metrics(self, step: int, values: Mapping[str, float]) -> None:
        pass

    def flag(self, name: str, raised: bool, why: str) -> None:
        pass

    def event(self, event: str, message: str, step: int | None = None, **details: int | bool) -> None:
        if event == PROCESS_FAILED:
            super().event(event, message, step, **details)

    def ended(self, state: StateName, reason: str, exit_code: int, *, flag: str = "") -> None:
        if state == "failed":
            self.event(PROCESS_FAILED, reason, rank=self._rank, exit_code=int(exit_code))

    def _update(self, durable: bool = False, **changes: object) -> None:
        self._state = msgspec.structs.replace(self._state, **changes)
