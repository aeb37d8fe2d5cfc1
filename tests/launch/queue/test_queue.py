"""The queue with real dispatchers, supervisors and trainers: order, retries, pauses, and what each run then tells."""

from __future__ import annotations

import os
import platform
import resource
import signal
import subprocess
import sys

import msgspec
import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.errors import ExitCode, StoreError
from simclr_tui.launch.queue.queue import (
    dispatches,
    enqueue,
    ensure_dispatcher,
    move,
    pause,
    unpause,
    waiting_runs,
    why_paused,
)
from simclr_tui.launch.queue.unqueued import started_by_hand
from simclr_tui.launch.queue.users import queue_paths
from simclr_tui.launch.start import resume, start
from simclr_tui.launch.stop import stop, wait_until_ended
from simclr_tui.store.process import ProcessId
from simclr_tui.store.state import State, read_state, write_state
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import read_ticket, write_ticket
from tests.launch.ended import end_queue
from tests.run_factory import before_restart, make_run
from tests.training import assert_same, tiny_plan, tiny_run, train_in_process, until

LONG = {"epochs": 100_000, "knn_every": 0, "checkpoint_every": 2}
SHORT = {"epochs": 2, "knn_every": 0}


@pytest.fixture
def store(tmp_path):
    """A store whose queue is paused and whose runs are ended with the test."""
    store = Store(tmp_path / "runs")
    yield store
    end_queue(store)


def go(store, slots=1):
    unpause(store, slots)
    assert ensure_dispatcher(store) == ""


def training(run, steps=1):
    return until(lambda: run.state == "running" and len(run.history().step) >= steps, what=f"{run.name} to train")


def messages(run, event):
    return [found.message for found in run.events if found.event == event]


@pytest.mark.timeout(900)  # nine trainings, on however busy a machine
def test_eight_runs_on_two_slots_start_in_order_and_the_catalog_tells_each_story(store, tmp_path):
    flags = [SHORT] * 8
    flags[1] = {"epochs": 60, "knn_every": 30, "checkpoint_every": 1}  # to be killed once
    # To run out of memory: its activations are larger than what an allocator keeps at hand.
    flags[3] = LONG | {"bs": 96, "image_size": 64, "width": 0.5, "checkpoint_every": 1000}
    flags[5] = SHORT | {"lr": 1e6, "warmup": 0.0, "optimizer": "sgd", "epochs": 40}  # diverges
    runs = [enqueue(store, tiny_plan(**one)) for one in flags]
    assert [row["state"] for row in Catalog(store).rows()] == ["queued"] * 8
    assert [row["place"] for row in Catalog(store).rows()] == list(range(1, 9))
    go(store, slots=2)
    most = 0

    def watch():
        nonlocal most
        states = [run.state for run in runs]
        most = max(most, sum(state in ("starting", "running") for state in states))
        return states

    killed, starved = runs[1], runs[3]
    until(lambda: watch() and killed.checkpoints and killed.state == "running", what="a checkpoint to go on from")
    os.kill(killed.status.process.pid, signal.SIGKILL)
    until(lambda: watch() and starved.state == "running", what="the fourth to begin")
    resource.prlimit(starved.status.process.pid, resource.RLIMIT_AS, (2**20, 2**20))
    until(lambda: not {"queued", "starting", "running"} & set(watch()), timeout=240, what="the queue to empty")
    until(lambda: not dispatches(store), what="the dispatcher to leave")
    assert most == 2
    begun = [next(event.wall for event in run.events if event.event == "dequeued") for run in runs]
    assert begun == sorted(begun)

    rows = {row["name"]: row for row in Catalog(store).rows()}
    assert [rows[f"run{n}"]["state"] for n in range(1, 9)] == [
        "finished", "finished", "finished", "failed", "finished", "failed", "finished", "finished",
    ]  # fmt: skip
    assert rows["run2"]["attempt"] == 2
    assert "retried once" in rows["run2"]["reason"]
    assert "SIGKILL" in rows["run2"]["reason"]
    assert "(exit code 137)" in messages(killed, "retry")[0]
    assert rows["run4"]["exit_code"] == ExitCode.OUT_OF_MEMORY
    assert "out of memory" in rows["run4"]["reason"]
    assert rows["run6"]["exit_code"] == ExitCode.DIVERGED
    assert "not retried" in rows["run6"]["reason"]
    assert rows["run4"]["attempt"] == rows["run6"]["attempt"] == 1
    assert all(read_ticket(run.paths) is None for run in runs)
    assert why_paused(store) == ""
    untouched = tiny_run(tmp_path / "untouched", **flags[1])
    assert train_in_process(untouched).returncode == ExitCode.OK
    assert_same(killed, untouched)


def test_a_killed_dispatcher_pauses_the_queue_and_its_runs_go_on(store):
    first, second = (enqueue(store, tiny_plan(**LONG)), enqueue(store, tiny_plan(**SHORT)))
    go(store)
    training(first)
    dispatcher = msgspec.json.decode(queue_paths(store).dispatcher.read_bytes(), type=ProcessId)
    os.kill(dispatcher.pid, signal.SIGKILL)
    until(lambda: not dispatches(store), what="the dispatcher to be gone")
    steps = len(first.history().step)
    training(first, steps + 2)
    assert "dispatcher was killed" in why_paused(store)
    assert "dispatcher was killed" in ensure_dispatcher(store)
    assert not dispatches(store)
    stop(first)
    assert second.state == "queued"
    go(store)
    assert wait_until_ended(second, 60).state == "finished"
    assert first.state == "stopped"
    assert why_paused(store) == ""


def test_after_a_reboot_nothing_starts_until_the_user_says_so(store):
    run, waiting = enqueue(store, tiny_plan(epochs=30, knn_every=0)), enqueue(store, tiny_plan(**SHORT))
    go(store)
    training(run, 8)
    dispatcher = msgspec.json.decode(queue_paths(store).dispatcher.read_bytes(), type=ProcessId)
    status = run.status
    for process in (dispatcher, status.supervisor, status.process):
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: not dispatches(store) and run.state == "lost", what="everything to be gone")
    # What a reboot leaves: the same files, written under another boot.
    record = queue_paths(store).dispatcher
    record.write_bytes(msgspec.json.encode(msgspec.structs.replace(dispatcher, boot="before")))
    assert f"is at work on {platform.node()}, or was ended there" in why_paused(store)  # another machine of that name
    os.utime(record, (1, 1))
    before_restart(run, read_state(run.paths))
    assert why_paused(store) == ensure_dispatcher(store) == "the machine was restarted"
    assert (run.state, run.status.reason) == ("lost", "the machine was restarted")
    assert waiting.state == "queued"
    go(store)
    until(lambda: run.state == waiting.state == "finished", what="both to finish")
    assert "the machine was restarted; resumes from step" in messages(run, "retry")[0]


def test_stop_takes_a_queued_run_out_and_resume_starts_one_out_of_turn(store):
    pause(store)
    one, two = enqueue(store, tiny_plan(**SHORT)), enqueue(store, tiny_plan(**SHORT))
    assert "paused" in ensure_dispatcher(store)
    final = stop(one)
    assert (final.state, final.exit_code) == ("stopped", ExitCode.STOPPED)
    assert "taken out of the queue" in final.reason
    assert list(waiting_runs(store)) == ["run2"]
    assert resume(two) == 1
    assert wait_until_ended(two, 60).state == "finished"
    assert resume(one) == 2
    stop(one)


def test_a_run_started_by_hand_takes_a_place_of_the_queue(store):
    mine = start(store, tiny_plan(**LONG))
    training(mine)
    waiting = enqueue(store, tiny_plan(**SHORT))
    assert started_by_hand(store, ()) == [mine.name]
    assert started_by_hand(store, [mine.name]) == []
    link = store.root.parent / "link"
    link.symlink_to(store.root)
    assert started_by_hand(Store(link), ()) == [mine.name]
    assert started_by_hand(Store(store.root.parent / "others"), ()) == []
    go(store, slots=1)
    training(mine, len(mine.history().step) + 100)  # the dispatcher has looked meanwhile
    stop(mine)
    until(lambda: waiting.state == "finished", what="the queued run after the other")
    ended = next(event.wall for event in mine.events if event.event == "stopped")
    assert next(event.wall for event in waiting.events if event.event == "dequeued") > ended


def test_order_is_priority_then_queueing_and_move_changes_it(store):
    pause(store)
    runs = [enqueue(store, tiny_plan(**SHORT), priority=priority) for priority in (0, 0, 5, 0)]
    assert list(waiting_runs(store)) == ["run3", "run1", "run2", "run4"]
    move(store, runs[3])
    assert list(waiting_runs(store)) == ["run3", "run4", "run1", "run2"]
    move(store, runs[3], before=runs[1])
    assert list(waiting_runs(store)) == ["run3", "run1", "run4", "run2"]
    move(store, runs[0], last=True)
    assert list(waiting_runs(store)) == ["run3", "run4", "run2", "run1"]
    move(store, runs[0], priority=7)
    assert next(iter(waiting_runs(store))) == "run1"
    with pytest.raises(StoreError, match="does not wait"):
        move(store, make_run(store.root))


def test_a_run_waits_for_another_to_finish(store):
    first = enqueue(store, tiny_plan(**LONG))
    second = enqueue(store, tiny_plan(**SHORT), after=("run1",))
    third = enqueue(store, tiny_plan(**SHORT))
    go(store, slots=2)
    assert wait_until_ended(third, 60).state == "finished"
    assert second.state == "queued"
    stop(first)
    until(lambda: not dispatches(store), what="the dispatcher to see that nothing can start")
    assert second.state == "queued"
    write_state(first.paths, msgspec.structs.replace(first.status, state="finished"))
    go(store)
    assert wait_until_ended(second, 60).state == "finished"


def test_a_run_says_what_changed_while_it_waited(store):
    run = enqueue(store, tiny_plan(**SHORT))
    ticket = read_ticket(run.paths)
    assert ticket is not None
    write_ticket(run.paths, msgspec.structs.replace(ticket, code="another program"))
    run.paths.recipe.write_text(run.paths.recipe.read_text().replace("seed = 0", "seed = 1"))
    go(store)
    assert wait_until_ended(run, 60).state == "finished"
    program, recipe = messages(run, "warning")
    assert "program was changed while the run waited" in program
    assert "recipe.toml was changed" in recipe


def test_a_run_begun_by_a_dispatcher_that_was_killed_at_once_waits_again(store):
    run = enqueue(store, tiny_plan(**SHORT))
    gone = ProcessId(pid=2**22, started=1, boot=read_boot())
    write_state(run.paths, State(state="starting", since=0.0, supervisor=gone))
    assert run.state == "lost"
    go(store)
    until(lambda: run.state == "finished", what="its turn")
    assert (run.status.attempt, run.status.reason) == (1, "")


def read_boot():
    from simclr_tui.boot import boot_id

    return boot_id()


RACER = """
import sys
from pathlib import Path
from simclr_tui.errors import StoreError
from simclr_tui.launch import start
from simclr_tui.store.ticket import Ticket
from simclr_tui.store.run import Run
start._spawn = lambda run, attempt, environment: None
for line in sys.stdin:
    try:
        print("won", start.start_queued(Run(Path(line.strip())), Ticket(), {}), flush=True)
    except StoreError as error:
        print(error, flush=True)
"""


def test_of_two_that_take_the_same_run_one_wins(store, full_faults):
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        for _ in range(2)
    ]
    plan = tiny_plan(**SHORT)
    for _ in range(1000 if full_faults else 100):
        run = enqueue(store, plan)
        for racer in racers:
            racer.stdin.write(f"{run.path}\n")
        answers = sorted(racer.stdout.readline().strip() for racer in racers)
        assert answers[1] == "won 1", answers
        assert "being resumed by someone" in answers[0] or "no longer waits" in answers[0]
        assert [attempt.number for attempt in run.paths.attempts()] == [1]
        write_state(run.paths, msgspec.structs.replace(read_state(run.paths), state="stopped"))
        run.paths.ticket.unlink()
    for racer in racers:
        racer.communicate(timeout=60)


def test_two_dispatchers_started_at_once_are_one(store):
    runs = [enqueue(store, tiny_plan(**SHORT)) for _ in range(2)]
    command = [sys.executable, "-m", "simclr_tui.launch.queue.dispatcher", str(store.root)]
    pair = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [one.communicate(timeout=120)[0] for one in pair]
    assert [run.state for run in runs] == ["finished", "finished"]
    assert "".join(said).count("attempt 1") == 2
    assert all(messages(run, "dequeued") == ["on the CPU"] for run in runs)
