"""F52: two hosts on one disk: no run trains twice, and each host says where a run is alive.

The second host is a real process in namespaces of its own: another boot, host name and process table, and, as on file
systems whose locks do not reach beyond a host, other lock files laid over those of the run.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from simclr_tui.atomic import Lock
from simclr_tui.boot import booted_at
from simclr_tui.errors import StoreError
from simclr_tui.launch.start import claimed, create, start
from simclr_tui.launch.stop import kill
from simclr_tui.store.process import is_alive, this_process
from simclr_tui.store.state import write_state
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket
from tests.faults.test_f03_stop import newest_step
from tests.faults.test_f11_races import RACERS, race
from tests.run_factory import make_run
from tests.training import tiny_plan, until

LONG = {"epochs": 100_000, "knn_every": 0, "checkpoint_every": 2}
# Its own boot and host name, and locks that say nothing of the first host's.
ENTER = """
set -e
mount --bind "$1/boot_id" /proc/sys/kernel/random/boot_id
hostname "$HOST_NAME"
for lock in run.lock launch.lock; do
  if [ -e "$2/$lock" ]; then mount --bind "$1/$lock" "$2/$lock"; fi
done
shift 2
exec "$@"
"""


@pytest.fixture
def on_other_host(tmp_path, monkeypatch):
    """Return the command that runs Python on the second host, for a run."""
    monkeypatch.setenv("HOST_NAME", "otherbox")
    home = tmp_path / "host"
    home.mkdir()
    (home / "boot_id").write_text("00000000-1111-2222-3333-444444444444\n")
    for name in ("run.lock", "launch.lock"):
        (home / name).touch()

    def enter(path: Path, *words: str) -> list[str]:
        namespaces = ["unshare", "--mount", "--uts", "--pid", "--fork", "--mount-proc"]
        return [*namespaces, "sh", "-c", ENTER, "sh", str(home), str(path), sys.executable, *words]

    tried = None
    if os.geteuid() == 0:
        tried = subprocess.run(enter(tmp_path / "none", "-c", ""), capture_output=True, text=True, timeout=200)
    if tried is None or (tried.returncode and "unshare" in tried.stderr):
        pytest.skip("namespaces of another host need root")
    return enter


@pytest.fixture
def other_host(on_other_host):
    """Run a command of ours on the second host, for a run."""

    def call(path: Path, *words: str, name: str = "otherbox") -> subprocess.CompletedProcess[str]:
        command = on_other_host(path, "-m", "simclr_tui", *words, "--runs", str(path.parent))
        named = os.environ | {"HOST_NAME": name}
        return subprocess.run(command, capture_output=True, text=True, timeout=200, env=named)

    return call


@pytest.mark.timeout(3600)
def test_a_run_that_trains_on_one_host_is_told_and_not_begun_on_the_other(tmp_path, other_host, fault):
    run = start(Store(tmp_path / "runs"), tiny_plan(**LONG))
    try:
        until(lambda: newest_step(run) > 3, what="the first steps")
        names = ("otherbox", os.uname().nodename)  # machines made from one image have one name
        what = "resumes from a second host, of another name or the same, of a run that trains on the first"
        for number in range(fault("F52", 200, what, few=2)):
            refused = other_host(run.path, "resume", run.name, name=names[number % 2])
            assert refused.returncode != 0
            assert f"{run.name} trains on {os.uname().nodename}" in refused.stderr, refused.stderr
        shown = other_host(run.path, "show", run.name, "--json")
        told = json.loads(shown.stdout)
        assert (told["state"], "elsewhere" in json.dumps(told)) == ("running", True)
        refused = other_host(run.path, "stop", run.name)
        assert "run this command there" in refused.stderr
        assert [attempt.number for attempt in run.paths.attempts()] == [1]
        before = newest_step(run)
        until(lambda: newest_step(run) > before, what="further steps on the first host")
    finally:
        kill(run)


def no_links(*_: object, **__: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")  # as on FAT


START = """
import sys, time
from pathlib import Path
from simclr_tui.errors import StoreError
from simclr_tui.launch.start import start_queued
from simclr_tui.store.run import Run
from simclr_tui.store.ticket import read_ticket
run, go = Run(Path(sys.argv[1])), Path(sys.argv[2])
ticket = read_ticket(run.paths)
print("ready", flush=True)
while not go.exists():
    time.sleep(0.0005)
try:
    start_queued(run, ticket, {})
except StoreError as error:
    sys.exit(str(error))
"""


@pytest.mark.timeout(3600)
def test_a_queued_run_that_two_hosts_start_at_once_is_begun_by_one(tmp_path, on_other_host, fault):
    store = Store(tmp_path / "runs")
    for number in range(fault("F52", 200, "starts of a queued run by two hosts at once", few=2)):
        run = create(store, tiny_plan(**LONG), queued=True, ticket=Ticket(position=1))
        for lock in (run.paths.lock, run.paths.launch_lock):
            lock.touch()
        go, code = tmp_path / f"go{number}", ("-c", START, str(run.path), str(tmp_path / f"go{number}"))
        commands = ([sys.executable, *code], on_other_host(run.path, *code))
        hosts = [subprocess.Popen(one, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for one in commands]
        try:
            for host in hosts:
                assert host.stdout is not None
                assert host.stdout.readline() == "ready\n"
            go.touch()
            said = [host.communicate(timeout=200)[1] for host in hosts]
            assert sorted(host.returncode for host in hosts) == [0, 1], said
            assert [attempt.number for attempt in run.paths.attempts()] == [1]
            assert any("is being started by" in one or "no longer waits" in one for one in said), said
        finally:
            for host in hosts:
                host.kill()
                host.communicate()
            if is_alive(run.status.supervisor):
                kill(run)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_one_of_those_who_do_not_see_each_others_locks_has_the_turn(tmp_path, monkeypatch, fault, links):
    """All but the starting of processes; the racers' locks are as free to each as another host's are."""
    monkeypatch.setattr(Lock, "acquire", lambda *_, **__: True)
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    run = make_run(tmp_path, state="stopped")

    def begin() -> int:
        try:
            with claimed(run):
                status = run.status
                if status.state != "stopped":
                    return 0
                write_state(run.paths, msgspec.structs.replace(status, state="queued"))
                return 1
        except StoreError:
            return 0

    gone = msgspec.structs.replace(this_process(), started=1)
    races = f"races of {RACERS} processes whose locks mean nothing to each other"
    for number in range(fault("F52", 500, races, few=20)):
        if number % 2:  # of someone who ended without giving the turn back
            run.paths.turn.write_bytes(msgspec.json.encode(gone))
        assert sum(race(begin)) == 1
        write_state(run.paths, msgspec.structs.replace(run.status, state="stopped"))
    assert not run.paths.turn.exists()


def test_a_turn_is_held_up_by_the_living_and_by_another_host_alone(tmp_path):
    run = make_run(tmp_path, state="stopped")
    here = this_process()
    gone = msgspec.structs.replace(here, started=1)
    other_boot = msgspec.structs.replace(here, boot="another", host="otherbox")
    same_name = msgspec.structs.replace(other_boot, host=here.host)
    restarted = time.time() - booted_at() + 10
    for holder, age, free in (
        (gone, 0, True),
        (same_name, restarted, True),
        (same_name, 1, False),  # since this boot began: of another machine of that name
        (other_boot, 0, False),
        (other_boot, 400, True),
    ):
        run.paths.turn.write_bytes(msgspec.json.encode(holder))
        os.utime(run.paths.turn, (time.time() - age,) * 2)
        if free:
            with claimed(run):
                pass
            assert not run.paths.turn.exists()
            continue
        with pytest.raises(StoreError, match=f"being started by a process on {holder.host}"), claimed(run):
            pass
    run.paths.turn.write_bytes(b"")
    with pytest.raises(StoreError, match="being started by someone else"), claimed(run):
        pass  # created at this moment, where there are no links, and not yet written
    os.utime(run.paths.turn, (time.time() - 20,) * 2)
    with claimed(run):
        pass
