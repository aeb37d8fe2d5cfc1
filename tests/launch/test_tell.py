"""Each event is told once, whoever sees it first, with no dashboard open, by real processes and a real command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import msgspec
import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.news import Event
from simclr_tui.config import Config, read_config, set_value
from simclr_tui.errors import SimclrError
from simclr_tui.interpreter import python_module
from simclr_tui.launch.start import start
from simclr_tui.launch.tell import NewsOfRun, promise, start_telling, tell_missed, tell_once, told
from simclr_tui.store.process import is_alive
from simclr_tui.store.state import read_state, write_state
from simclr_tui.store.store import Store
from tests.faults.test_f03_stop import newest_step
from tests.launch.test_catalog_updates import states
from tests.run_factory import make_run
from tests.training import tiny_plan, until

APPEND = 'echo "$SIMCLR_RUN $SIMCLR_EVENT" >> "$0"'


@pytest.fixture
def heard(tmp_path, monkeypatch):
    """What the user was told, a line each; the configuration names a command that writes them."""
    target = tmp_path / "heard"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    set_value("tell", ["finished", "failed", "lost", "stopped"])  # on a busy machine a run may stall as well
    set_value("notify", ["sh", "-c", APPEND, str(target)])
    return lambda: target.read_text().splitlines() if target.exists() else []


def change(run, **values):
    write_state(run.paths, msgspec.structs.replace(read_state(run.paths), **values))


def told_of(run, event):
    return until(lambda: event in told(run.paths.attempt(1)), what=f"{event} to be told")


def test_a_run_that_changes_is_told_of_once_by_whoever_watches_it(tmp_path, heard):
    run = make_run(tmp_path / "runs", state="failed", reason="out of memory")
    watchers = [NewsOfRun(), NewsOfRun()]
    for _ in range(2):
        for watcher in watchers:
            watcher.look(run.paths)
    told_of(run, "failed")
    start_telling(run.paths)
    tell_once(read_config(), run, [Event(run.name, "failed", "again")], attempt=1, patience=60)
    assert heard() == ["run1 failed"]


def test_many_who_see_an_event_at_once_tell_it_once(tmp_path, heard, fault):
    for number in range(fault("F46", 50, "events that four processes see at once", few=2)):
        run = make_run(tmp_path / "runs", state="stopped", reason="")
        command = python_module("simclr_tui.launch.tell", str(run.path))
        tellers = [subprocess.Popen(command) for _ in range(4)]
        assert [teller.wait(120) for teller in tellers] == [0] * 4
        assert len(heard()) == number + 1


def test_who_is_killed_while_telling_leaves_it_to_the_next(tmp_path, monkeypatch, heard):
    run, pids = make_run(tmp_path / "runs", state="failed", reason=""), tmp_path / "pids"
    set_value("notify", ["sh", "-c", 'echo $$ >> "$0"; exec sleep 60', str(pids)])
    teller = subprocess.Popen(python_module("simclr_tui.launch.tell", str(run.path)))
    try:
        until(lambda: pids.exists() and pids.read_text().endswith("\n"), what="the command")
    finally:
        teller.kill()
        teller.wait()
        for pid in pids.read_text().split():
            os.kill(int(pid), signal.SIGKILL)
    said = []
    monkeypatch.setattr("simclr_tui.launch.tell.notify", lambda config, event, waits: said.append(event.event))
    tell_once(Config(), run, [Event(run.name, "failed", "m")], attempt=1)
    tell_once(Config(), run, [Event(run.name, "failed", "m")], attempt=1)
    assert said == ["failed"]


def test_what_was_left_untold_is_told_by_who_lists_the_runs_and_old_ends_are_not(tmp_path, heard):
    store = Store(tmp_path / "runs")
    left, never_promised, old = (make_run(store.root, state="lost", reason="") for _ in range(3))
    for run in (left, old):
        promise(run.paths.attempt(1))
    for path in (old.paths.attempt(1).told, old.paths.state):
        os.utime(path, (1, 1))
    for _ in range(2):
        tell_missed(store.root, Catalog(store).rows(), time.time())
        told_of(left, "lost")
    assert heard() == [f"{left.name} lost"]
    assert told(never_promised.paths.attempt(1)) == set()
    assert told(old.paths.attempt(1)) == {"begun"}


def test_a_folder_that_cannot_be_written_is_told_of_all_the_same(tmp_path, monkeypatch):
    run, said = make_run(tmp_path / "runs", state="failed", reason=""), []
    run.paths.attempt(1).told_lock.mkdir()
    monkeypatch.setattr("simclr_tui.launch.tell.notify", lambda config, event, waits: said.append(event.event))
    tell_once(Config(), run, [Event(run.name, "failed", "m")], attempt=1)
    assert said == ["failed"]


def test_what_cannot_be_told_is_an_event_of_the_run_and_is_not_tried_for_ever(tmp_path, heard):
    run = make_run(tmp_path / "runs", state="failed", reason="")
    set_value("notify", ["/nowhere/at-all"])
    start_telling(run.paths)
    until(lambda: any("notify did not work" in event.message for event in run.events), what="the warning")
    assert told(run.paths.attempt(1)) == {"failed"}
    with pytest.raises(SimclrError, match="notify did not work"):
        tell_once(read_config(), run, [Event(run.name, "collapsed", "m")], attempt=1)


def test_one_who_waits_for_another_teller_gives_up_in_time(tmp_path, heard):
    run = make_run(tmp_path / "runs", state="failed", reason="")
    begun, go = threading.Event(), threading.Event()
    lock_holder = threading.Thread(target=_hold, args=(run, begun, go))
    lock_holder.start()
    try:
        assert begun.wait(60)
        tell_once(read_config(), run, [Event(run.name, "failed", "m")], attempt=1, patience=0.05)
    finally:
        go.set()
        lock_holder.join()
    assert heard() == []


def _hold(run, begun, go):
    from simclr_tui.atomic import Lock

    lock = Lock(run.paths.attempt(1).told_lock)
    assert lock.acquire()
    begun.set()
    go.wait(60)
    lock.release()


def test_the_supervisor_tells_and_after_its_kill_the_next_listing_does(tmp_path, heard):
    store = Store(tmp_path / "runs")
    first = start(store, tiny_plan(epochs=1))
    until(lambda: heard() == ["run1 finished"], what="the supervisor to tell")
    until(lambda: told(first.paths.attempt(1)) == {"begun", "finished"}, what="it to be remembered")
    until(lambda: states(store.root) == {"run1": "finished"}, what="the catalog, which the supervisor updates too")
    second = start(store, tiny_plan(epochs=100_000, knn_every=0))
    until(lambda: newest_step(second) > 3, what="the first steps")
    for process in (second.status.supervisor, second.status.process):
        os.kill(process.pid, signal.SIGKILL)
        until(lambda one=process: not is_alive(one))
    for _ in range(2):
        subprocess.run([sys.executable, "-m", "simclr_tui", "ls", "--runs", str(store.root)], check=True)
        told_of(second, "lost")
    assert heard() == ["run1 finished", "run2 lost"]
