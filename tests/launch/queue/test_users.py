"""A store that several users share: a dispatcher starts what its own user queued, and what others did only if asked."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from simclr_tui.atomic import Lock
from simclr_tui.launch.queue.dependencies import waits_for
from simclr_tui.launch.queue.dispatcher import _start_ready, look_at
from simclr_tui.launch.queue.queue import enqueue, queue_again, waiting_runs
from simclr_tui.launch.queue.users import queue_paths, start_for_everyone, user_name
from simclr_tui.launch.waiting import take_out
from simclr_tui.store.process import this_process
from simclr_tui.store.state import write_state
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import read_ticket, write_ticket
from tests.training import tiny_plan
from tests.users import ALICE, BOB, GROUP, as_user

ROOT = Path(__file__).resolve().parents[3]
TO_ALICE = f"waits for user {ALICE} to start the queue"


@pytest.fixture
def store(group_folder):
    """A store with a run that Alice queued, run1, and one that Bob did, run2."""
    made = Store(group_folder / "runs")
    for user in (ALICE, BOB):
        assert as_user(user, lambda: enqueue(made, tiny_plan(epochs=1, knn_every=0))) == ""
    return made


def ready(store: Store, user: int) -> str:
    """The runs that the dispatcher of a user would start, and all that it waits for otherwise."""

    def look():
        found = look_at(store)
        raise AssertionError(f"{list(found.ready)}, hopeful: {found.hopeful}, busy: {found.busy}")

    return as_user(user, look).removeprefix("AssertionError: ")


def wait_reasons(store: Store, user: int) -> str:
    def look():
        raise AssertionError([waits_for(store, ticket).reason for ticket in waiting_runs(store).values()])

    return as_user(user, look).removeprefix("AssertionError: ")


def test_a_dispatcher_starts_what_its_own_user_queued(store):
    assert ready(store, ALICE) == "['run1'], hopeful: True, busy: True"
    assert ready(store, BOB) == "['run2'], hopeful: True, busy: True"
    assert wait_reasons(store, BOB) == str([TO_ALICE, ""])
    assert as_user(BOB, lambda: take_out(store.run("run2"))) == ""
    assert ready(store, BOB) == "[], hopeful: False, busy: False"  # of Alice's run nothing is to be waited for


def test_once_asked_it_starts_what_everyone_queued_until_it_is_told_otherwise(store):
    assert as_user(BOB, lambda: start_for_everyone(store, True)) == ""
    assert ready(store, BOB) == "['run1', 'run2'], hopeful: True, busy: True"
    assert ready(store, ALICE) == "['run1'], hopeful: True, busy: True"  # Bob was asked, she was not
    assert wait_reasons(store, BOB) == str(["", ""])
    assert as_user(BOB, lambda: start_for_everyone(store, False)) == ""
    assert ready(store, BOB) == "['run2'], hopeful: True, busy: True"


def test_who_queues_anothers_run_again_is_who_starts_it(store):
    alices = store.run("run1")
    assert as_user(ALICE, lambda: take_out(alices)) == ""
    assert as_user(BOB, lambda: queue_again(store, alices)) == ""
    assert ready(store, BOB) == "['run2', 'run1'], hopeful: True, busy: True"
    assert ready(store, ALICE) == "[], hopeful: False, busy: False"


def test_a_ticket_that_does_not_say_whose_it_is_is_everyones(store):
    for name in store.names():
        ticket = read_ticket(store.run(name).paths)
        write_ticket(store.run(name).paths, msgspec.structs.replace(ticket, user=None))
    assert ready(store, ALICE) == ready(store, BOB) == "['run1', 'run2'], hopeful: True, busy: True"


def test_a_run_of_another_user_takes_a_slot(store):
    run = store.run("run1")
    lock = Lock(run.paths.lock)
    assert lock.acquire()
    try:
        write_state(run.paths, msgspec.structs.replace(run.status, state="running", process=this_process()))

        def start_what_fits():
            look = look_at(store)
            _start_ready(store, look)
            raise AssertionError(f"{list(look.others)}, {store.run('run2').state}")

        assert as_user(BOB, start_what_fits) == "AssertionError: ['run1'], queued"
    finally:
        lock.release()


def test_dispatchers_of_two_users_are_told_apart(store):
    names = {(queue_paths(store, user).lock.name, queue_paths(store, user).dispatcher.name) for user in (ALICE, BOB)}
    assert names == {("dispatcher.lock", "dispatcher.json"), (f"dispatcher.lock.{BOB}", f"dispatcher.json.{BOB}")}


def test_a_name_is_shown_where_there_is_one():
    assert (user_name(0), user_name(ALICE), user_name(None)) == ("root", f"user {ALICE}", "")


DISPATCH = """
import sys; from pathlib import Path
from simclr_tui.launch.queue.queue import dispatches, ensure_dispatcher
from simclr_tui.launch.queue.users import start_for_everyone
from simclr_tui.store.store import Store
from tests.training import until
store = Store(Path(sys.argv[1]))
start_for_everyone(store, sys.argv[2] == "everyone")
assert ensure_dispatcher(store) == ""
until(lambda: not dispatches(store), what="the dispatcher to leave")
"""
# This installation may lie where only root can read it; of root's rights the other user has no more than that.
AS_BOB = ["setpriv", f"--reuid={BOB}", f"--regid={GROUP}", "--clear-groups"]
READS_ALL = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


def test_a_dispatcher_leaves_anothers_run_alone_and_trains_it_as_its_own_user_once_asked(store, fault, monkeypatch):
    fault("F57", 1, "stores in which a user starts the queue, without and with the other's runs")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv, of util-linux, is not there")
    for name in ("HOME", "SIMCLR_DATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(store.root.parent))
    alices, bobs = store.run("run1"), store.run("run2")

    def dispatch(whose: str) -> None:
        command = [*AS_BOB, *READS_ALL, sys.executable, "-c", DISPATCH, str(store.root), whose]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    dispatch("own")
    assert (alices.state, bobs.state) == ("queued", "finished")
    dispatch("everyone")
    assert alices.state == "finished"
    assert {run.paths.attempt(1).log.stat().st_uid for run in (alices, bobs)} == {BOB}
