"""Runs as processes: started, stopped, killed, resumed, raced for. Every process here is a real one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from simclr_tui.atomic import is_locked
from simclr_tui.errors import ExitCode, StoreError
from simclr_tui.launch.metadata import Metadata
from simclr_tui.launch.start import resume, start
from simclr_tui.launch.stop import kill, request_stop, stop, wait_until_ended
from simclr_tui.store.process import identify, is_alive
from simclr_tui.store.store import Store
from tests.training import STEPS, assert_same, metric_table, tiny_plan, tiny_run, train_in_process, until

LONG = {"epochs": 100_000, "knn_every": 0, "checkpoint_every": 2}


@pytest.fixture
def store(tmp_path):
    """A store whose runs are ended with the test."""
    store = Store(tmp_path / "runs")
    yield store
    for name in store.names():
        if store.run(name).state in ("starting", "running"):
            kill(store.run(name))


def training(run, steps=1):
    """Wait until a run has made so many steps."""
    return until(lambda: run.state == "running" and _steps(run) >= steps, what=f"{run.name} to train")


def _steps(run):
    history = run.history()
    return history.step[-1] if history.step else 0


def test_a_started_run_trains_to_its_end_in_processes_of_its_own(store):
    run = start(store, tiny_plan(), Metadata(tags=("first",), note="a note"))
    assert run.name == "run1"
    assert run.state in ("starting", "running")
    final = wait_until_ended(run, 60)
    assert final is not None
    assert (final.state, final.exit_code) == ("finished", ExitCode.OK)
    assert final.supervisor is not None
    assert final.process is not None
    assert len({final.supervisor.pid, final.process.pid, os.getpid()}) == 3
    assert run.metric("loss").steps == list(range(1, STEPS + 1))
    assert run.info.tags == ["first"]
    assert run.info.note == "a note"
    assert {"finished", "started", "checkpoint", "evaluation"} <= {event.event for event in run.events}
    assert run.log_files()
    until(lambda: not is_locked(run.paths.lock), what="the trainer to be gone")


def test_names_count_upwards_and_a_taken_one_is_refused(store):
    first = start(store, tiny_plan(**LONG))
    second = start(store, tiny_plan(**LONG), Metadata(name="mine"))
    assert (first.name, second.name) == ("run1", "mine")
    with pytest.raises(StoreError, match="mine already exists"):
        start(store, tiny_plan(**LONG), Metadata(name="mine"))
    assert sorted(store.names()) == ["mine", "run1"]


def test_stop_finishes_the_step_saves_and_resume_goes_on_from_there(store):
    run = start(store, tiny_plan(**LONG))
    training(run, 3)
    final = stop(run)
    assert (final.state, final.exit_code) == ("stopped", ExitCode.STOPPED)
    assert run.checkpoints[0].step == final.step == _steps(run)
    assert resume(run) == 2
    training(run, final.step + 2)
    assert run.metric("loss").steps == list(range(1, _steps(run) + 1))
    stop(run)


def test_a_killed_trainer_is_shown_and_resumes_to_what_an_untouched_run_becomes(store, tmp_path):
    run = start(store, tiny_plan(epochs=30, knn_every=5))
    training(run, 20)
    os.kill(run.status.process.pid, signal.SIGKILL)
    final = until(lambda: (state := run.status).state in ("failed", "lost") and state)
    assert "SIGKILL" in final.reason
    assert resume(run) == 2
    assert wait_until_ended(run, 300).state == "finished"
    untouched = tiny_run(tmp_path / "untouched", epochs=30, knn_every=5)
    assert train_in_process(untouched).returncode == ExitCode.OK
    assert run.metric("loss").steps == list(range(1, 181))
    assert_same(run, untouched)


def test_a_run_whose_supervisor_and_trainer_are_killed_is_lost_and_resumes(store):
    run = start(store, tiny_plan(**LONG))
    training(run, 13)
    status = run.status
    os.kill(status.supervisor.pid, signal.SIGKILL)
    until(lambda: not is_alive(status.supervisor))
    assert run.state == "running"
    before = _steps(run)
    training(run, before + 2)  # training goes on without its supervisor
    os.kill(status.process.pid, signal.SIGKILL)
    final = until(lambda: (state := run.status).state == "lost" and state)
    assert "disappeared" in final.reason
    assert resume(run) == 2
    training(run, _steps(run) + 2)
    stop(run)


def test_a_trainer_that_ignores_the_stop_is_killed_with_its_group(store):
    run = start(store, tiny_plan(**LONG))
    training(run)
    process = run.status.process
    os.kill(process.pid, signal.SIGSTOP)
    final = stop(run, grace=0.5)
    assert final.state == "failed"
    assert not is_alive(process)


def test_a_second_signal_ends_it_at_once(store):
    run = start(store, tiny_plan(**LONG))
    training(run)
    process = run.status.process
    os.kill(process.pid, signal.SIGSTOP)
    for number in (signal.SIGTERM, signal.SIGINT):  # both are pending when it wakes up
        os.kill(process.pid, number)
    os.kill(process.pid, signal.SIGCONT)
    final = wait_until_ended(run, 120)
    assert final.state in ("failed", "stopped")
    assert not is_alive(process)


def test_two_that_resume_at_once_make_one_attempt(store):
    run = start(store, tiny_plan(**LONG))
    training(run, 2)
    stop(run)
    code = (
        "import sys; from pathlib import Path; from simclr_tui.store.run import Run;"
        "from simclr_tui.launch.start import resume; from simclr_tui.errors import StoreError\n"
        "try: print(resume(Run(Path(sys.argv[1]))))\n"
        "except StoreError as error: print(error)"
    )
    racers = [
        subprocess.Popen([sys.executable, "-c", code, str(run.path)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    answers = [racer.communicate(timeout=60)[0].strip() for racer in racers]
    assert answers.count("2") == 1
    assert all("resumed by someone" in answer or "already training" in answer for answer in answers if answer != "2")
    assert [attempt.number for attempt in run.paths.attempts()] == [1, 2]
    training(run)
    stop(run)


def test_what_cannot_be_resumed_or_stopped_says_so(store):
    run = start(store, tiny_plan(epochs=1, knn_every=0))
    assert wait_until_ended(run, 300).state == "finished"
    with pytest.raises(StoreError, match="is finished") as caught:
        resume(run)
    assert "resume run1 --epochs" in caught.value.hint
    with pytest.raises(StoreError, match="not training"):
        request_stop(run)
    with pytest.raises(StoreError, match="not training"):
        kill(run)


def test_a_second_trainer_of_one_run_is_refused(store):
    run = start(store, tiny_plan(**LONG))
    training(run)
    refused = train_in_process(run)
    assert refused.returncode == ExitCode.STORE
    assert "already training" in refused.stderr
    assert run.state == "running"
    stop(run)


def test_a_recipe_that_fails_at_run_time_leaves_its_reason(store):
    run = start(store, tiny_plan(device="cuda:7"))
    final = wait_until_ended(run, 60)
    assert final.state == "failed"
    assert "cuda:7" in final.reason
    assert final.exit_code == ExitCode.USAGE


def test_a_trainer_that_cannot_even_start_leaves_its_last_words(store, monkeypatch, tmp_path):
    broken = tmp_path / "broken" / "torch"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('libcudart is missing')")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))
    run = start(store, tiny_plan())
    final = wait_until_ended(run, 60)
    assert final.state == "failed"
    assert "libcudart is missing" in final.reason


def test_hardware_is_sampled_beside_the_run(store):
    run = start(store, tiny_plan(**LONG))
    path = run.paths.attempt(1).hardware
    until(lambda: path.exists() and path.read_bytes().count(b"\n") >= 2)
    assert b"process_rss" in path.read_bytes()
    stop(run)


def test_runs_started_from_threads_get_names_of_their_own(store):
    runs = []
    threads = [threading.Thread(target=lambda: runs.append(start(store, tiny_plan(epochs=1)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({run.name for run in runs}) == 3
    for run in runs:
        assert wait_until_ended(run, 90).state == "finished"
    assert metric_table(runs[0]) == metric_table(runs[1]) == metric_table(runs[2])


def test_a_stranger_with_the_pid_is_not_signalled(store, tmp_path):
    import msgspec

    from simclr_tui.store.state import write_state

    run = tiny_run(store.root)
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    forged = msgspec.structs.replace(identify(stranger.pid), started=identify(stranger.pid).started + 1)
    write_state(run.paths, msgspec.structs.replace(run.status, state="running", process=forged, supervisor=forged))
    assert run.state == "lost"
    with pytest.raises(StoreError, match="not training, it is lost"):
        kill(run)
    assert stranger.poll() is None
    stranger.communicate(b"\n", timeout=60)
    assert stranger.returncode == 0
