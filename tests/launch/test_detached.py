"""Processes that outlive the command that started them, where the system does not let one start."""

from __future__ import annotations

import resource

from simclr_tui.launch.detached import start_detached
from simclr_tui.launch.queue.queue import enqueue, ensure_dispatcher
from simclr_tui.launch.start import start
from simclr_tui.store.store import Store
from tests.training import tiny_plan
from tests.users import ALICE, as_user

SAID = "UnansweredError: no process can be started: Resource temporarily unavailable — end other programs, or raise"


def at_the_limit(act):
    """Act as a user who may start no further process."""

    def limited():
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        act()

    return as_user(ALICE, limited)


def test_a_limit_on_processes_is_said_and_leaves_no_run(group_folder):
    store = Store(group_folder / "runs")
    assert at_the_limit(lambda: start(store, tiny_plan())).startswith(SAID)
    assert store.names() == []


def test_a_queued_run_waits_on_where_its_dispatcher_cannot_be_started(group_folder):
    store = Store(group_folder / "runs")
    assert as_user(ALICE, lambda: enqueue(store, tiny_plan())) == ""
    assert at_the_limit(lambda: ensure_dispatcher(store)).startswith(SAID)
    assert store.run("run1").state == "queued"


def test_what_is_not_there_is_no_limit(group_folder):
    def begin():
        start_detached("any", log=None, folder=group_folder / "none")

    assert as_user(ALICE, begin).startswith("FileNotFoundError")
