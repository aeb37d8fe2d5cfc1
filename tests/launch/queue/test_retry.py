"""Which ends of a queued run are tried again, and what is said about the others. No processes."""

from __future__ import annotations

import signal

import msgspec
import pytest

from simclr_tui.errors import ExitCode
from simclr_tui.launch.queue.retry import settle
from simclr_tui.store import checkpoints
from simclr_tui.store.process import ProcessId
from simclr_tui.store.ticket import Ticket, read_ticket, write_ticket
from tests.run_factory import make_run

KILLED = 128 + signal.SIGKILL


def ended(root, saved=4, **state):
    """A run of the queue as its first attempt left it."""
    run = make_run(root, **{"state": "failed", "reason": "why", "step": 7, "summary": {"loss": 3.0}} | state)
    run.paths.attempt(run.status.attempt).log.write_text("")
    write_ticket(run.paths, Ticket(position=3))
    save(run, saved)
    return run


def save(run, step):
    if step:
        checkpoints.save(run.paths, b"x", step=step, epoch=1.0, recipe="", wall=0.0, version="")


def settled(run):
    settle(run, read_ticket(run.paths))
    return run.status, read_ticket(run.paths)


@pytest.mark.parametrize("code", [KILLED, 128 + signal.SIGTERM, 128 + signal.SIGBUS])
def test_a_killed_run_that_advanced_waits_again(tmp_path, code):
    status, ticket = settled(ended(tmp_path, exit_code=code, time=2.0, elapsed=1.0))
    assert (status.state, status.reason) == ("queued", "why; resumes from step 4, retry 1 of 3")
    assert (status.step, status.elapsed, status.summary) == (7, 3.0, {"loss": 3.0})
    assert (ticket.retried, ticket.advanced, ticket.position) == (("why",), 4, 3)


def test_a_lost_run_waits_again(tmp_path):
    run = ended(tmp_path, state="running", supervisor=ProcessId(pid=1, started=1, boot="before"))
    status, _ = settled(run)
    assert (status.state, status.supervisor, status.process) == ("queued", None, None)
    assert "the machine was restarted; resumes from step 4" in status.reason


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (ExitCode.OUT_OF_MEMORY, "memory would run out again"),
        (ExitCode.DIVERGED, "diverges again"),
        (ExitCode.DATA, "images would be the same"),
        (ExitCode.USAGE, "would fail again"),
        (ExitCode.FAILED, "would fail again"),
        (ExitCode.INTERRUPTED, "would fail again"),
        (77, "would fail again"),
        (None, "would fail again"),
    ],
)
def test_what_would_happen_again_is_not_tried_again(tmp_path, code, said):
    run = ended(tmp_path, exit_code=code)
    status, ticket = settled(run)
    assert (status.state, ticket) == ("failed", None)
    assert status.reason.startswith("why; not retried: ")
    assert said in status.reason
    assert f"exit code {code if code is None else int(code)}" in run.events[-1].message


def test_three_retries_are_enough_and_each_must_have_advanced(tmp_path):
    run = ended(tmp_path, exit_code=KILLED)
    for attempt in range(2, 5):
        status, ticket = settled(run)
        assert (status.state, len(ticket.retried)) == ("queued", attempt - 1)
        save(run, 10 * attempt)
        fail_again(run, attempt)
    status, ticket = settled(run)
    assert (status.state, ticket) == ("failed", None)
    assert status.reason == "again; not retried: 3 retries are enough; retried 3 times, at first it was why"


def fail_again(run, attempt):
    from simclr_tui.store.state import write_state

    run.paths.attempt(attempt).root.mkdir()
    run.paths.attempt(attempt).log.write_text("")
    again = {"state": "failed", "reason": "again", "attempt": attempt, "exit_code": KILLED}
    write_state(run.paths, msgspec.structs.replace(run.status, **again))


@pytest.mark.parametrize(("saved", "retries"), [(0, 0), (4, 1)])
def test_a_run_that_did_not_advance_is_not_retried(tmp_path, saved, retries):
    run = ended(tmp_path, saved=saved, exit_code=KILLED)
    for _ in range(retries):
        settled(run)
        fail_again(run, 2)
    status, ticket = settled(run)
    assert (status.state, ticket) == ("failed", None)
    assert "not retried: no checkpoint was saved" in status.reason or "did not advance" in status.reason


@pytest.mark.parametrize("state", ["finished", "stopped"])
def test_an_end_of_its_own_is_left_alone(tmp_path, state):
    run = ended(tmp_path, state=state, reason="", exit_code=0)
    status, ticket = settled(run)
    assert (status.state, status.reason, ticket) == (state, "", None)


def test_a_run_that_is_under_way_again_is_left_alone(tmp_path):
    run = ended(tmp_path, state="queued")
    status, ticket = settled(run)
    assert (status.state, ticket) == ("queued", Ticket(position=3))
