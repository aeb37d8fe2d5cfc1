"""F11: of several that take the same queued run at the same moment, one gets it and the others are told."""

from __future__ import annotations

import os

import msgspec
import pytest

from simclr_tui.errors import StoreError
from simclr_tui.launch.waiting import take_out
from simclr_tui.store.state import State, write_state
from simclr_tui.store.ticket import Ticket, read_ticket, write_ticket
from tests.run_factory import make_run

RACERS = 4


def race(act) -> list[int]:
    """Exit codes of forked racers, which all wait for the same word."""
    reading, writing = os.pipe()
    children = []
    for _ in range(RACERS):
        child = os.fork()
        if child == 0:
            os.close(writing)
            code = 3
            try:
                os.read(reading, 1)  # the end of the pipe, for all of them at once
                code = act()
            finally:
                os._exit(code)
        children.append(child)
    os.close(writing)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    os.close(reading)
    return codes


@pytest.mark.timeout(1800)
def test_one_of_those_who_take_a_run_out_of_the_queue_gets_it(tmp_path, fault):
    run = make_run(tmp_path)
    waiting = State(state="queued", since=1.0, attempt=1)

    def take() -> int:
        return 1 if take_out(run, f"racer {os.getpid()}") else 0

    for _ in range(fault("F11", 1000, f"races of {RACERS} processes for a queued run", few=40)):
        write_state(run.paths, waiting)
        write_ticket(run.paths, Ticket())
        assert sorted(race(take)) == [0] * (RACERS - 1) + [1]
        assert run.state == "stopped"
        assert read_ticket(run.paths) is None


@pytest.mark.timeout(1800)
def test_one_of_those_who_begin_an_attempt_begins_it(tmp_path, fault):
    """All but the starting of processes, which costs seconds and comes after the race is decided."""
    from simclr_tui.launch.start import _next_attempt, claimed

    run = make_run(tmp_path, state="stopped")

    def begin() -> int:
        try:
            with claimed(run):
                status = run.status
                if status.state != "stopped":
                    return 0
                number = _next_attempt(run, status)
                write_state(run.paths, msgspec.structs.replace(status, state="queued", attempt=number))
                return 1
        except StoreError:
            return 0

    for number in range(fault("F11", 250, f"races of {RACERS} processes for the next attempt")):
        assert sum(race(begin)) == 1
        assert [attempt.number for attempt in run.paths.attempts()] == list(range(1, number + 3))
        write_state(run.paths, msgspec.structs.replace(run.status, state="stopped"))
