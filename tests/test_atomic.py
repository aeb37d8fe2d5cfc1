"""Files whole or not at all, lines each once, locks that end with their process."""

from __future__ import annotations

import errno
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simclr_tui.atomic import LineWriter, Lock, is_locked, rename_folder, write_file
from tests.faults.failing_os import FailingOs, SmallDisk, die

OLD, NEW = b"old " * 1000, b"new " * 2000


def calls_of_write(path: Path, durable: bool) -> int:
    counting = FailingOs(0, errno.EIO)
    write_file(path, NEW, durable=durable, system=counting)
    return counting.calls


def python(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE)


def wait_for_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_an_error_at_any_call_leaves_old_or_new_content_whole(tmp_path, fault, durable):
    path = tmp_path / "state.json"
    total = calls_of_write(path, durable)
    assert total == (8 if durable else 5)
    for n in range(1, total + 1):
        path.write_bytes(OLD)
        with pytest.raises(OSError, match=os.strerror(fault)):
            write_file(path, NEW, durable=durable, system=FailingOs(n, fault))
        assert path.read_bytes() in (OLD, NEW)
        assert path.read_bytes() == (OLD if n <= total - (3 if durable else 0) else NEW)
        assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"], "a temporary file was left"
        write_file(path, NEW)
        assert path.read_bytes() == NEW


def test_a_disk_that_stays_full_never_harms_the_old_file(tmp_path):
    path = tmp_path / "state.json"
    for n in range(1, 9):
        path.write_bytes(OLD)
        with pytest.raises(OSError):  # noqa: PT011 - whichever call it was
            write_file(path, NEW, system=FailingOs(n, errno.ENOSPC, times=100))
        assert path.read_bytes() in (OLD, NEW)
        write_file(path, NEW)
        assert path.read_bytes() == NEW


def test_death_at_any_call_leaves_old_or_new_content_whole_and_the_next_write_succeeds(tmp_path):
    path = tmp_path / "state.json"
    for n in range(1, calls_of_write(path, durable=True) + 1):
        path.write_bytes(OLD)
        child = os.fork()
        if child == 0:
            try:
                write_file(path, NEW, system=FailingOs(n, die))
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        assert path.read_bytes() == (OLD if n <= 5 else NEW)
        write_file(path, NEW)
        assert path.read_bytes() == NEW


def test_short_writes_are_carried_to_the_end(tmp_path):
    path = tmp_path / "big"
    write_file(path, NEW, system=SmallDisk(room=1 << 30, longest=7))
    assert path.read_bytes() == NEW


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(st.integers(0, 10**12), min_size=1, max_size=12),
    rooms=st.lists(st.integers(0, 40), max_size=12),
    longest=st.integers(1, 60),
)
def test_each_line_is_there_once_when_the_disk_was_full_for_a_while(tmp_path_factory, lines, rooms, longest):
    path = tmp_path_factory.mktemp("lines") / "metrics.jsonl"
    disk = SmallDisk(room=20, longest=longest)
    writer = LineWriter(path, system=disk)
    expected = [b'{"step": %d, "at": %d}' % (value, index) for index, value in enumerate(lines)]
    for line, room in itertools.zip_longest(expected, rooms[: len(expected)], fillvalue=3):
        writer.append(line)
        disk.room += room
    disk.room, disk._longest = 10**9, 10**9
    writer.close()
    assert writer.waiting == 0
    data = path.read_bytes()
    assert data.endswith(b"\n")
    found = data.split(b"\n")
    assert [line for line in found if line.endswith(b"}")] == expected
    for torn in set(found) - set(expected) - {b""}:
        assert any(line.startswith(torn) for line in expected), "something else than the start of a line was left"


def test_append_says_that_lines_wait_and_the_oldest_give_way(tmp_path):
    disk = SmallDisk(room=0)
    writer = LineWriter(tmp_path / "log", keep=3, system=disk)
    assert [writer.append(b"%d" % number) for number in range(5)] == [False] * 5
    assert writer.waiting == 3
    disk.room = 100
    assert writer.append(b"5")
    writer.close()
    assert (tmp_path / "log").read_bytes() == b"3\n4\n5\n"


def test_a_writer_whose_disk_is_gone_for_another_reason_says_so(tmp_path):
    writer = LineWriter(tmp_path / "log", system=FailingOs(2, errno.EBADF))
    with pytest.raises(OSError, match="Bad file"):
        writer.append(b"line")


def test_a_line_is_not_glued_to_what_a_killed_writer_left(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event": "started"}\n{"event": "chec')
    writer = LineWriter(path)
    writer.append(b'{"event": "failed"}')
    writer.close()
    assert path.read_bytes().splitlines() == [b'{"event": "started"}', b'{"event": "chec', b'{"event": "failed"}']


APPENDER = """
import sys, os
from pathlib import Path
from simclr_tui.atomic import LineWriter
writer = LineWriter(Path(sys.argv[1]))
number = int(sys.argv[2])
while True:
    line = b"%d " % number + b"x" * (number * 37 % 3000)
    if writer.append(line):
        os.write(1, b"%d\\n" % number)
    number += 1
"""


def test_no_acknowledged_line_is_lost_or_doubled_by_kill_9(tmp_path):
    path, chance, start = tmp_path / "metrics.jsonl", random.Random(7), 0
    acknowledged: list[int] = []
    for _ in range(12):
        child = python(APPENDER, path, start)
        assert child.stdout is not None
        told = child.stdout.readline()  # it writes: only then a kill says something
        threading.Timer(chance.random() * 0.15, child.kill).start()
        told += child.stdout.read()
        assert child.wait() == -signal.SIGKILL
        heard = [int(line) for line in told.splitlines(keepends=True) if line.endswith(b"\n")]
        acknowledged += heard
        start = max(acknowledged, default=-1) + 2  # the line after the last one heard of may be there or not
    lines = path.read_bytes().split(b"\n")
    whole = [int(line.split(b" ")[0]) for line in lines if is_whole(line)]
    assert len(acknowledged) > 100
    assert set(acknowledged) <= set(whole)
    assert len(whole) == len(set(whole))
    assert sum(bool(line) and not is_whole(line) for line in lines) <= 12  # at most one torn tail a kill


def is_whole(line: bytes) -> bool:
    number, _, rest = line.partition(b" ")
    return number.isdigit() and rest == b"x" * (int(number) * 37 % 3000)


HOLDER = """
import sys
from pathlib import Path
from simclr_tui.atomic import Lock
lock = Lock(Path(sys.argv[1]))
print(lock.acquire(wait=float(sys.argv[2])), flush=True)
sys.stdin.read()
"""


def test_a_lock_excludes_another_process_and_ends_with_kill_9(tmp_path):
    path = tmp_path / "run.lock"
    assert not is_locked(path)
    holder = python(HOLDER, path, 0)
    assert wait_for_line(holder) == b"True\n"
    assert is_locked(path)
    assert not Lock(path).acquire()
    holder.kill()
    holder.wait()
    assert not is_locked(path)
    lock = Lock(path)
    assert lock.acquire()
    lock.release()


def test_whoever_waits_gets_the_lock_when_it_is_let_go(tmp_path):
    path = tmp_path / "run.lock"
    lock = Lock(path)
    assert lock.acquire()
    waiting = python(HOLDER, path, 30)
    lock.release()
    assert wait_for_line(waiting) == b"True\n"
    assert is_locked(path)
    waiting.communicate()
    assert not is_locked(path)


def test_looking_at_its_own_lock_does_not_let_it_go(tmp_path):
    path = tmp_path / "run.lock"
    lock = Lock(path)
    assert lock.acquire()
    assert is_locked(path)
    assert not Lock(path).acquire(), "a second holder in the same process"
    stranger = python(HOLDER, path, 0)
    assert wait_for_line(stranger) == b"False\n"
    stranger.communicate()
    lock.release()
    assert not is_locked(path)


def test_a_lock_file_that_is_missing_or_may_not_be_opened_is_not_held(tmp_path):
    assert not is_locked(tmp_path / "none" / "run.lock")
    assert not is_locked(tmp_path / ("x" * 300))


ORPHANING = """
import os, sys, time
from pathlib import Path
from simclr_tui.atomic import Lock
lock = Lock(Path(sys.argv[1]))
assert lock.acquire()
child = os.fork()
if child == 0:
    os.close(1)
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
sys.stdin.read()
"""


def test_an_orphaned_child_does_not_keep_the_lock(tmp_path):
    path = tmp_path / "run.lock"
    trainer = python(ORPHANING, path)
    orphan = int(wait_for_line(trainer))
    try:
        assert is_locked(path)
        trainer.kill()
        trainer.wait()
        os.kill(orphan, 0)  # it lives
        assert not is_locked(path)
    finally:
        os.kill(orphan, signal.SIGKILL)


LOOKER = """
import sys
from pathlib import Path
from simclr_tui.atomic import is_locked
print("looking", flush=True)
while True:
    is_locked(Path(sys.argv[1]))
"""


def test_many_who_look_never_keep_a_waiting_trainer_from_its_lock(tmp_path):
    path = tmp_path / "run.lock"
    path.touch()
    lookers = [python(LOOKER, path) for _ in range(2)]
    for looker in lookers:
        wait_for_line(looker)
    lock = Lock(path)
    taken = 0
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        assert lock.acquire(wait=10.0)
        taken += 1
        lock.release()
    for looker in lookers:
        looker.kill()
        looker.wait()
    assert taken > 0


@pytest.mark.parametrize("known", [True, False], ids=["in one step", "where the kernel cannot"])
def test_a_folder_never_takes_the_place_of_another(tmp_path, known, monkeypatch):
    if not known:
        monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: object())
    for name in ("source", "empty", "full"):
        (tmp_path / name).mkdir()
    (tmp_path / "source" / "file").touch()
    (tmp_path / "full" / "other").touch()
    (tmp_path / "link").symlink_to("nowhere")
    for taken in ("empty", "full", "link"):
        with pytest.raises(FileExistsError):
            rename_folder(tmp_path / "source", tmp_path / taken)
    rename_folder(tmp_path / "source", tmp_path / "new")
    assert (tmp_path / "new" / "file").exists()
    assert not (tmp_path / "source").exists()
    with pytest.raises(FileNotFoundError):
        rename_folder(tmp_path / "none", tmp_path / "newer")
