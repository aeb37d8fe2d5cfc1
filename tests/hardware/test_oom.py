"""Which file counts the kernel's kills, whatever the version of the control groups; files as Linux writes them."""

from __future__ import annotations

import os

import pytest

from simclr_tui.hardware.oom import OomWatch

EVENTS = "low 0\nhigh 0\nmax 41\noom 3\noom_kill {}\noom_group_kill 0\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"
SECOND = "0::/user.slice/job_7\n"
FIRST = "9:name=systemd:/\n4:cpu,memory:/job_7\n0::/\n"


@pytest.mark.parametrize(
    ("group", "file", "text"),
    [
        (SECOND, "cgroup/user.slice/job_7/memory.events", EVENTS),
        (SECOND, "cgroup/memory.events", EVENTS),  # in a container that sees only its own
        (FIRST, "cgroup/memory/job_7/memory.oom_control", CONTROL),
        (FIRST, "cgroup/memory/memory.oom_control", CONTROL),
        ("0::/\n", "proc/vmstat", "nr_free_pages 7\noom_kill {}\n"),
    ],
)
def test_a_kill_is_seen_where_the_system_counts_it(tmp_path, group, file, text):
    (tmp_path / "proc" / "7").mkdir(parents=True)
    (tmp_path / "proc" / "7" / "cgroup").write_text(group)
    (tmp_path / "proc" / "vmstat").touch()
    counts = tmp_path / file
    counts.parent.mkdir(parents=True, exist_ok=True)
    counts.write_text(text.format(2))
    watch = OomWatch(7, tmp_path / "proc", tmp_path / "cgroup")
    assert not watch.killed()
    counts.write_text(text.format(3))
    watch.look()  # the kernel counts first, and the process ends when it can
    assert watch.killed()
    for _ in range(10):
        watch.look()
    assert not watch.killed()


@pytest.mark.parametrize("text", ["", "oom_kill\n", "oom_kill many\n", "\0\xff"])
def test_what_cannot_be_read_counts_nothing(tmp_path, text):
    (tmp_path / "vmstat").write_text(text, encoding="latin-1")
    assert not OomWatch(7, tmp_path, tmp_path).killed()
    assert not OomWatch(7, tmp_path / "nowhere", tmp_path / "nowhere").killed()


def test_here_nothing_was_killed_meanwhile():
    assert not OomWatch(os.getpid()).killed()
