"""F32 for the queue: a `kill -9` at any of its writes leaves the change done or not done."""

from __future__ import annotations

import itertools
import os
import traceback

import pytest

from simclr_tui import atomic, deferred_sync
from simclr_tui.launch.metadata import UNNAMED
from simclr_tui.launch.queue.queue import enqueue, enqueue_all, move, queue_again, queue_all_again, waiting_runs
from simclr_tui.launch.queue.retry import settle
from simclr_tui.launch.waiting import take_out
from simclr_tui.store import checkpoints
from simclr_tui.store.state import read_state, write_state
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import read_ticket, write_ticket
from tests.faults.failing_os import die
from tests.training import tiny_plan

PLAN = tiny_plan()


def killed_at(n, change):
    """Make the change in a child that dies at its n-th system call. False once it has fewer calls."""
    child = os.fork()
    if child == 0:
        calls, code = itertools.count(1), 1

        def dying(call):
            return lambda *arguments: die() if next(calls) == n else call(*arguments)

        try:
            atomic.SystemOs.fsync = lambda _self, _fd: None  # a kill loses nothing that was written
            for name in ("open", "write", "fsync", "close", "replace", "unlink"):
                setattr(atomic.SystemOs, name, dying(getattr(atomic.SystemOs, name)))
            deferred_sync.sync_file_system = dying(deferred_sync.sync_file_system)
            change()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:  # the child must never go on as a second test runner
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), "the change failed by itself"
    return code == 9


def every_kill(change, check, *, step=1):
    """Kill the change at each of its calls in turn, or each `step`-th; `check` is told after each what is left."""
    n = 1
    while killed_at(n, change):
        check()
        n += step
    assert n > 5  # or nothing was injected
    check()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


def test_queueing_leaves_a_whole_run_or_none(store):
    enqueue(store, PLAN)
    every_kill(lambda: enqueue(store, PLAN), lambda: whole(store))


@pytest.mark.parametrize("together", [True, False], ids=["one-sync", "a-sync-per-file"])
def test_queueing_many_leaves_each_of_them_whole_or_not_made(store, monkeypatch, together, full_faults):
    monkeypatch.setattr(deferred_sync, "_FEW", 0)
    monkeypatch.setattr(deferred_sync, "sync_file_system", lambda folder: together)
    before, left = [0], set()

    def whole_so_far():
        whole(store)
        count = len(store.names())
        left.add(count - before.pop())
        before.append(count)

    step = 1 if full_faults else 4  # a file takes five calls, so that each of them is killed in one file or another
    every_kill(lambda: list(enqueue_all(store, [(PLAN, UNNAMED)] * 2)), whole_so_far, step=step)
    assert left == {0, 1, 2}


def whole(store):
    waiting = waiting_runs(store)
    for name, ticket in waiting.items():
        run = store.run(name)
        assert (run.state, bool(ticket.recipe), run.recipe) == ("queued", True, PLAN.resolved.recipe)
    assert set(waiting) == set(store.names())


def test_moving_keeps_every_run_and_all_the_others_in_their_order(store):
    runs = [enqueue(store, PLAN) for _ in range(4)]

    def order():
        found = list(waiting_runs(store))
        assert sorted(found) == ["run1", "run2", "run3", "run4"]
        assert [name for name in found if name != "run4"] == ["run1", "run2", "run3"]

    every_kill(lambda: move(store, runs[3], before=runs[0]), order)
    assert next(iter(waiting_runs(store))) == "run4"


def test_taking_out_a_run_it_waits_or_is_stopped(store):
    run = enqueue(store, PLAN)

    def either():
        assert run.state in ("queued", "stopped")
        if run.state == "stopped":
            queue_again(store, run)
        assert list(waiting_runs(store)) == [run.name]

    every_kill(lambda: take_out(run), either)


def test_queueing_many_again_leaves_each_of_them_waiting_or_stopped(store, full_faults):
    runs = list(enqueue_all(store, [(PLAN, UNNAMED)] * 2))
    for run in runs:
        take_out(run)

    def again():
        list(queue_all_again(store, [run for run in runs if run.state == "stopped"]))

    def either():
        states = [run.state for run in runs]
        assert set(states) <= {"queued", "stopped"}
        assert list(waiting_runs(store)) == [run.name for run in runs if run.state == "queued"]
        if states == ["queued"] * 2:
            for run in runs:
                take_out(run)

    n = 1
    while killed_at(n, again):
        either()
        n += 1 if full_faults else 3
    assert n > 5
    assert list(waiting_runs(store)) == ["run1", "run2"]


def test_a_retry_is_made_or_still_to_be_made(store):
    run = enqueue(store, PLAN)
    checkpoints.save(run.paths, b"x", step=6, epoch=1.0, recipe="", wall=0.0, version="")
    run.paths.attempt(1).log.write_text("")
    ticket = read_ticket(run.paths)

    def failed():
        changes = {"state": "failed", "exit_code": 137, "reason": "killed"}
        write_state(run.paths, type(read_state(run.paths))(**{"since": 0.0} | changes))
        write_ticket(run.paths, ticket)

    def either():
        status, now = read_state(run.paths), read_ticket(run.paths)
        assert status.state in ("failed", "queued")
        assert len(now.retried) <= 1
        assert not (status.state == "failed" and now.retried)  # counted, and not made
        failed()

    failed()
    every_kill(lambda: settle(run, ticket), either)
