"""F13: the wall clock may jump; durations, order, liveness and ETA stay what they were."""

from __future__ import annotations

import pytest

from simclr_tui.atomic import Lock
from simclr_tui.hardware.log import HardwareLog
from simclr_tui.paths import RunPaths
from simclr_tui.store.events import EventLog, read_events
from simclr_tui.store.state import observe
from simclr_tui.train.observe.reporter import Reporter
from tests.run_factory import make_run

JUMPS = [-86_400, -3600, -1, 1, 3600, 86_400, 10**9]


class FakeClock:
    """Wall and monotonic time set by hand."""

    def __init__(self, wall: float = 1e9, monotonic: float = 1000.0) -> None:
        self.now, self.ticks = wall, monotonic

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.ticks


@pytest.fixture
def clock():
    return FakeClock()


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_changes_neither_state_nor_eta_nor_a_second_of_training(tmp_path, clock, jump, fault):
    fault("F13", 1, "jumps of the clock in the middle of an attempt")
    run = make_run(tmp_path, state="starting", summary={"steps_per_s": 2.0})
    lock = Lock(run.paths.lock)
    assert lock.acquire()
    report = Reporter(run.paths, clock)
    report.starting("loading")
    report.running(steps=10, steps_per_epoch=5, step=0, facts={})
    for step in range(1, 6):
        clock.ticks += 1.0
        clock.now += 1.0 + (jump if step == 3 else 0)
        report.write_metrics(step, {"loss": 5.0})
        report.progress(step, {"loss": 5.0})
    report.busy("saving")
    seen = observe(run.paths, clock)
    assert (seen.state, seen.flags) == ("running", ())
    assert (seen.time, seen.eta, seen.progress) == (5.0, 2.5, 0.5)
    report.metrics.close()
    history = run.history()
    assert list(history.time) == [1.0, 2.0, 3.0, 4.0, 5.0]
    clock.now += jump
    assert observe(run.paths, clock) == seen
    lock.release()


@pytest.mark.parametrize("jump", JUMPS)
def test_events_and_hardware_samples_keep_their_order(tmp_path, clock, jump):
    paths = RunPaths(tmp_path)
    paths.attempt(1).root.mkdir()
    log = EventLog(paths.attempt(1), clock)
    samples = []
    for number in range(6):
        clock.now += 1.0 + (jump if number == 3 else 0)
        log.write("warning", str(number))
        samples.append(b'{"time": %f, "cpu": 0.5}' % clock.now)
    log.close()
    assert [event.message for event in read_events(paths)] == list("012345")
    paths.attempt(1).hardware.write_bytes(b"\n".join(samples) + b"\n")
    hardware = HardwareLog(paths)
    hardware.poll()
    assert list(hardware.time) == sorted(hardware.time)
    assert len(hardware.time) == 6
