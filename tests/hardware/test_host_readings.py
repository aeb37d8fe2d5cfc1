from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import NamedTuple

import psutil
import pytest

from simclr_tui.hardware.host import CpuMeter, ProcessTree, TreeReading, core_count, disk_free, ram
from tests.hardware.fake_nvml import HandClock

MB = 10**6
HOLDS = "import sys; held = b'x' * {size}; print('ready', flush=True); sys.stdin.read()"
PARENT = (
    "import subprocess, sys;"
    "child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE);"
    "child.stdout.readline();"
    "print(child.pid, flush=True); sys.stdin.read();"
    "child.communicate()"
)


@contextmanager
def process(*arguments: str):
    """A Python process and its first line; it ends when its stdin closes."""
    pipe = subprocess.PIPE
    running = subprocess.Popen([sys.executable, "-c", *arguments], stdin=pipe, stdout=pipe, text=True)
    try:
        yield running, running.stdout.readline().strip()
    finally:
        running.communicate()


def burn(seconds: float) -> float:
    """Use that much processor time; the wall time it took."""
    started, spent = time.monotonic(), time.process_time()
    while time.process_time() - spent < seconds:
        pass
    return time.monotonic() - started


def test_the_memory_of_a_child_is_seen_and_gone_when_it_has_ended():
    with process(HOLDS.format(size=80 * MB)) as (child, _):
        tree = ProcessTree(child.pid)
        seen = tree.read()
        assert seen.pids == {child.pid}
        assert 80 * MB < seen.rss < 400 * MB
        assert seen.rss == pytest.approx(psutil.Process(child.pid).memory_info().rss, rel=0.05)

    assert tree.read() == TreeReading() == (frozenset(), None, None)


def test_a_process_that_ended_and_was_not_waited_for_is_gone_too():
    with process(HOLDS.format(size=1)) as (child, _):
        tree = ProcessTree(child.pid)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # wait, and leave it the zombie it is

        assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
        assert tree.read() == TreeReading()


def test_a_process_whose_memory_is_already_gone_has_no_reading_instead_of_0(monkeypatch):
    monkeypatch.setattr("simclr_tui.hardware.host._rss", lambda process: 0)  # a moment that cannot be held
    assert ProcessTree(os.getpid()).read().rss is None


def test_children_count_with_their_parent():
    with process(PARENT, HOLDS.format(size=80 * MB)) as (parent, child):
        alone = psutil.Process(parent.pid).memory_info().rss
        seen = ProcessTree(parent.pid).read()

        assert seen.pids == {parent.pid, int(child)}
        assert seen.rss > alone + 80 * MB


def test_a_pid_that_is_nobody_reads_as_nothing():
    nobody = subprocess.Popen([sys.executable, "-c", ""])
    nobody.wait()

    assert ProcessTree(nobody.pid).read() == TreeReading()
    assert ProcessTree(-1).read() == TreeReading()


def test_cores_in_use_are_processor_time_over_the_clock():
    burns = (
        "import sys, time\nprint('ready', flush=True)\nsys.stdin.readline()\nbegan = time.process_time()\n"
        "while time.process_time() - began < 0.3: pass\nprint('burned', flush=True)\nsys.stdin.read()"
    )
    clock = HandClock()
    with process(burns) as (child, _):
        tree = ProcessTree(child.pid, clock)
        assert tree.read().cpu is None, "one reading alone is no rate"
        before = sum(psutil.Process(child.pid).cpu_times()[:2])
        child.stdin.write("go\n")
        child.stdin.flush()
        assert child.stdout.readline().strip() == "burned"
        used = sum(psutil.Process(child.pid).cpu_times()[:2]) - before
        clock.advance(2)
        assert tree.read().cpu == pytest.approx(used / 2, abs=0.05)
        assert tree.read().cpu is None, "no time has gone by"


def test_a_new_child_brings_the_time_it_has_used():
    clock = HandClock()
    burns = "import time, sys\nwhile time.process_time() < 0.5: pass\nprint('ready', flush=True)\nsys.stdin.read()"
    tree = ProcessTree(os.getpid(), clock)
    tree.read()
    with process(burns):
        clock.advance(1)
        assert tree.read().cpu >= 0.45


def test_the_share_of_all_cores_covers_what_this_process_burned():
    meter = CpuMeter()
    wall = burn(0.5)
    share = meter.read()

    # Busy machines only add to it; 0.05 s: the kernel counts in ticks of 0.01 s on each core.
    assert (0.5 - 0.05) / ((wall + 0.2) * (os.cpu_count() or 1)) <= share <= 1


def test_waiting_for_a_disk_is_idle_and_a_guest_is_counted_once(monkeypatch):
    class Times(NamedTuple):
        user: float
        system: float
        idle: float
        iowait: float
        guest: float

    counters = iter([Times(10, 5, 100, 20, 4), Times(12, 6, 104, 23, 6)])
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(counters))

    assert CpuMeter().read() == pytest.approx((2 + 1) / (2 + 1 + 4 + 3))


def test_the_share_is_unknown_when_no_time_was_counted():
    meter = CpuMeter()
    shares = [meter.read() for _ in range(5)]

    assert None in shares
    assert all(share is None or 0 <= share <= 1 for share in shares)


def test_ram_and_cores_are_those_of_the_machine():
    used, total = ram()

    assert total == psutil.virtual_memory().total
    assert 0 < used < total
    assert 1 <= core_count() <= os.cpu_count()


def test_free_disk_is_that_of_the_nearest_folder_there_is(tmp_path):
    there = disk_free(tmp_path)
    to_be = disk_free(tmp_path / "runs" / "run1")

    assert there == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.05)
    assert to_be == pytest.approx(there, rel=0.05)


def test_what_the_system_forbids_is_unknown_and_raises_nothing(monkeypatch):
    def denied(*_, **__):
        raise PermissionError("no /proc here")

    meter, tree = CpuMeter(), ProcessTree(os.getpid())
    for name in ("virtual_memory", "cpu_times"):
        monkeypatch.setattr(psutil, name, denied)
    for name in ("children", "memory_info", "cpu_times"):
        monkeypatch.setattr(psutil.Process, name, denied)

    assert ram() == (None, None)
    assert meter.read() is None
    assert CpuMeter().read() is None
    assert tree.read() == TreeReading(frozenset([os.getpid()]), None, None)
