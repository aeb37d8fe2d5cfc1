"""What is true of a run now: forged, stale and contradictory records, real processes and locks."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time

import msgspec
import pytest

from simclr_tui.errors import ExitCode, StoreError
from simclr_tui.launch.start import resume
from simclr_tui.store.events import record
from simclr_tui.store.process import ProcessId, identify, is_alive, send_signal
from simclr_tui.store.state import STALLED_AFTER, State, observe, read_state, write_state
from tests.run_factory import before_restart, make_run, save_checkpoint


class FakeClock:
    """Wall and monotonic time set by hand."""

    def __init__(self, wall: float = 1e9, monotonic: float = 1000.0) -> None:
        self.now, self.ticks = wall, monotonic

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.ticks


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def holding():
    """Starts a process that holds a run's lock; returns it."""
    started: list[subprocess.Popen[bytes]] = []

    def hold(run) -> subprocess.Popen[bytes]:
        code = "import sys; from pathlib import Path; from simclr_tui.atomic import Lock\n"
        code += "lock = Lock(Path(sys.argv[1])); assert lock.acquire(); print(flush=True); sys.stdin.read()"
        command = [sys.executable, "-c", code, str(run.paths.lock)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdout.readline()
        started.append(process)
        return process

    yield hold
    for process in started:
        process.kill()
        process.communicate()


def gone() -> ProcessId:
    """A process that has lived and is no more."""
    process = subprocess.Popen(["true"])
    identity = identify(process.pid)
    process.wait()
    return identity if identity.started >= 0 else msgspec.structs.replace(identity, started=1)


def test_a_run_whose_lock_is_held_is_running(tmp_path, holding):
    run = make_run(tmp_path, state="running", heartbeat=time.monotonic())
    holder = holding(run)
    assert run.state == "running"
    assert run.status.flags == ()
    holder.kill()
    holder.wait()
    assert run.state == "lost"
    assert "disappeared" in run.status.reason


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "queued"])
def test_an_ended_run_is_what_was_written(tmp_path, state, holding):
    run = make_run(tmp_path, state=state, process=gone())
    holding(run)
    assert run.state == state


def test_a_starting_run_lives_with_its_supervisor(tmp_path, sleeper):
    run = make_run(tmp_path, state="starting", supervisor=identify(sleeper.pid))
    assert run.state == "starting"
    sleeper.kill()
    sleeper.wait()
    assert run.state == "lost"


@pytest.mark.parametrize("role", ["process", "supervisor"])
def test_a_reused_pid_is_not_the_process(tmp_path, sleeper, role):
    real = identify(sleeper.pid)
    forged = msgspec.structs.replace(real, started=real.started + 1)
    assert make_run(tmp_path, "forged", state="running", **{role: forged}).state == "lost"
    assert make_run(tmp_path, "real", state="running", **{role: real}).state == "running"


def test_a_run_of_another_boot_is_lost_to_the_restart(tmp_path, sleeper):
    run = make_run(tmp_path)
    before_restart(run, State(state="running", since=1.0, process=identify(sleeper.pid)))
    status = run.status
    assert (status.state, status.reason) == ("lost", "the machine was restarted")


def test_a_run_that_writes_under_another_boot_since_this_one_began_trains_on_another_machine_of_that_name(tmp_path):
    """Machines made from one image have one name: this one was not restarted since."""
    run = make_run(tmp_path)
    state = State(state="running", since=1.0, process=identify(os.getpid()))
    before_restart(run, state)
    assert run.state == "lost"
    run.paths.attempt(1).hardware.touch()
    status = run.status
    assert (status.state, status.flags) == ("running", ("elsewhere",))
    assert status.reason == f"on {platform.node()}, last seen 0s ago"
    with pytest.raises(StoreError, match=r"run1 trains on .* — stop it there"):
        resume(run)


def test_a_time_to_come_is_no_sign_of_life_of_another_machine(tmp_path):
    """A clock was wrong, such as this one before a restart."""
    run = make_run(tmp_path)
    before_restart(run, State(state="running", since=1.0, process=identify(os.getpid())))
    os.utime(run.paths.state, (time.time() + 86_400,) * 2)
    assert run.status.reason == "the machine was restarted"


def test_a_dead_supervisor_does_not_end_a_living_trainer(tmp_path, sleeper):
    run = make_run(tmp_path, state="running", supervisor=gone(), process=identify(sleeper.pid))
    assert run.state == "running"


def test_a_zombie_is_not_alive(tmp_path):
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    identity = identify(child)
    assert is_alive(identity)
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it is dead, and not yet reaped
    assert not is_alive(identity)
    assert identify(child).started == -1
    assert not send_signal(identity, signal.SIGTERM)
    run = make_run(tmp_path, state="running", process=identity)
    assert run.state == "lost"
    os.waitpid(child, 0)


def test_silence_is_called_stalled_and_never_dead(tmp_path, holding):
    run = make_run(tmp_path, state="running", heartbeat=1000.0)
    holding(run)
    clock = FakeClock(monotonic=1000.0 + STALLED_AFTER - 1)
    assert observe(run.paths, clock).flags == ()
    clock.ticks += 2
    seen = observe(run.paths, clock)
    assert (seen.state, seen.flags) == ("running", ("stalled",))
    clock.ticks += 10**6
    assert observe(run.paths, clock).state == "running"
    write_state(run.paths, msgspec.structs.replace(read_state(run.paths), heartbeat=clock.ticks))
    assert observe(run.paths, clock).flags == ()


def test_the_right_process_is_signalled_and_its_group(sleeper):
    assert send_signal(identify(sleeper.pid), signal.SIGTERM)
    assert sleeper.wait() == -signal.SIGTERM
    leader = subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], start_new_session=True, stdout=subprocess.PIPE)
    member = int(leader.stdout.readline())
    assert send_signal(identify(leader.pid), signal.SIGKILL, group=True)
    assert leader.wait() == -signal.SIGKILL
    leader.stdout.close()
    deadline = time.monotonic() + 10
    while identify(member).started >= 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert identify(member).started == -1


@pytest.mark.skipif(os.getuid() != 0, reason="needs a second user")
def test_a_process_of_another_user_is_refused_in_a_sentence(sleeper):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setuid(65534)
            send_signal(identify(sleeper.pid), signal.SIGTERM)
        except StoreError as error:
            code = 0 if "another user" in error.message else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sleeper.poll() is None


def test_a_process_whose_name_is_full_of_brackets_is_identified(tmp_path):
    odd = tmp_path / ") R 1 (("
    odd.symlink_to("/bin/sleep")
    process = subprocess.Popen([str(odd), "60"])
    try:
        identity = identify(process.pid)
        assert identity.started > 0
        assert is_alive(identity)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}", b"null", b"\0" * 100, b'{"state": "running"', b'{"state": "dancing", "since": 1}', b"\xff\xfe",
        b'{"state": "running", "since": 1, "reason": "\xff"}', b'{"state": "running", "since": 1, "x": ' + b"[" * 10**6,
        b'{"state": "running", "since": "now"}', b'{"state": "running", "since": 1, "process": 7}',
    ],
)  # fmt: skip
def test_a_damaged_state_is_rebuilt_from_checkpoints_and_events(tmp_path, content):
    run = make_run(tmp_path)
    save_checkpoint(run.paths, 40)
    run.paths.attempt(2).root.mkdir()
    record(run.paths, 1, "finished", step=80)
    for damage in (lambda: run.paths.state.write_bytes(content), run.paths.state.unlink):
        damage()
        with pytest.raises(StoreError, match="no readable state"):
            read_state(run.paths)
        status = run.status
        assert (status.state, status.attempt, status.step, status.steps_per_epoch) == ("lost", 2, 40, 10)
        assert status.reason == "its state.json was damaged: rebuilt from its checkpoints and events"


@pytest.mark.parametrize(
    ("event", "code"), [("finished", ExitCode.OK), ("stopped", ExitCode.STOPPED), ("failed", ExitCode.FAILED)]
)
def test_a_damaged_state_of_a_run_that_ended_says_how(tmp_path, event, code):
    run = make_run(tmp_path)
    run.paths.state.write_bytes(b"")
    record(run.paths, 1, event, message="why", step=80)
    status = run.status
    assert (status.state, status.exit_code, status.step, status.reason) == (event, code, 80, "why")


def test_a_damaged_state_of_what_waits_or_trains_says_so(tmp_path, holding):
    waiting, training = make_run(tmp_path), make_run(tmp_path)
    waiting.paths.ticket.write_bytes(b"{}")
    for run in (waiting, training):
        run.paths.state.write_bytes(b"")
    holding(training)
    assert (waiting.state, training.state) == ("queued", "running")


def test_a_folder_without_attempts_has_no_state_to_rebuild(tmp_path):
    run = make_run(tmp_path)
    run.paths.state.unlink()
    run.paths.attempt(1).root.rmdir()
    with pytest.raises(StoreError, match="no readable state"):
        run.status  # noqa: B018


def test_what_is_not_finite_never_makes_a_state_unreadable(tmp_path):
    run = make_run(tmp_path)
    summary = {"loss": float("nan"), "knn": 0.5, "lr": float("inf")}
    write_state(run.paths, State(state="failed", since=1.0, summary=summary, facts={"peak": float("inf"), "gpu": "T4"}))
    assert read_state(run.paths).summary == {"knn": 0.5}
    assert read_state(run.paths).facts == {"gpu": "T4"}


def test_fields_of_a_newer_version_do_not_matter(tmp_path):
    run = make_run(tmp_path, state="stopped", step=7)
    known = msgspec.json.decode(run.paths.state.read_bytes())
    run.paths.state.write_bytes(msgspec.json.encode(known | {"mood": {"deep": [1, None]}, "colour": "blue"}))
    assert (run.status.state, run.status.step) == ("stopped", 7)


def test_eta_is_known_only_while_it_trains():
    assert State(state="running", since=0.0, steps=10).eta is None
    assert State(state="finished", since=0.0, steps=10, summary={"steps_per_s": 1.0}).eta is None
    assert State(state="queued", since=0.0).progress == 0.0
