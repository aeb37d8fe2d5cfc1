"""The cores and the memory of a container or a job, as both versions of control groups give them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from simclr_tui.limits import usable_cores, usable_memory

SECOND, FIRST = "0::/box/job7\n", "9:name=systemd:/\n4:memory:/box/job7\n3:cpu,cpuacct:/box/job7\n"
GIB = 1 << 30
GROUPS = Path("/sys/fs/cgroup")
ASKED = """
import json
from simclr_tui.hardware.host import core_count, ram
from simclr_tui.limits import usable_memory
print(json.dumps([core_count(), usable_memory().total, ram()[1]]))
"""


@pytest.fixture
def written(tmp_path):
    """Files below /proc and /sys/fs/cgroup, by their paths; returns both roots."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "proc", tmp_path / "groups"

    return lambda files: write(**files)


def test_without_groups_it_is_the_machine(written):
    places = written({"proc/self/cgroup": "0::/\n"})
    assert usable_cores(*places) == len(os.sched_getaffinity(0))
    assert usable_memory(*places).total == psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("group", "quota"),
    [
        (SECOND, {"groups/box/job7/cpu.max": "50000 100000"}),
        (SECOND, {"groups/box/job7/cpu.max": "max 100000", "groups/box/cpu.max": "100000 100000"}),  # the one above it
        (SECOND, {"groups/cpu.max": "100000 100000"}),  # in a container that sees only its own, as the root
        (FIRST, {"groups/cpu/box/job7/cpu.cfs_quota_us": "90000", "groups/cpu/box/job7/cpu.cfs_period_us": "100000"}),
    ],
)
def test_cores_are_at_most_the_quotas_rounded_up(written, group, quota):
    assert usable_cores(*written({"proc/self/cgroup": group} | quota)) == 1


@pytest.mark.parametrize("text", ["max 100000", "-1", "", "nonsense"])
def test_no_quota_is_no_limit(written, text):
    files = {"proc/self/cgroup": SECOND, "groups/box/job7/cpu.max": text}
    assert usable_cores(*written(files)) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("group", "files"),
    [
        (SECOND, {"box/job7/memory.max": "1073741824", "box/job7/memory.current": "805306368",
                  "box/job7/memory.stat": "anon 1\ninactive_file 268435456\n"}),
        (SECOND, {"memory.max": "1073741824", "memory.current": "536870912", "box/job7/memory.max": "max"}),
        (FIRST, {"memory/box/job7/memory.limit_in_bytes": "1073741824",
                 "memory/box/job7/memory.usage_in_bytes": "805306368",
                 "memory/box/job7/memory.stat": "inactive_file 1\ntotal_inactive_file 268435456\n"}),
    ],
)  # fmt: skip
def test_memory_is_the_groups_and_its_cache_is_available(written, group, files):
    places = written({"proc/self/cgroup": group} | {f"groups/{name}": text for name, text in files.items()})
    assert usable_memory(*places) == (GIB, GIB // 2)


def test_version_ones_word_for_no_limit_is_none(written):
    files = {"proc/self/cgroup": FIRST, "groups/memory/box/job7/memory.limit_in_bytes": "9223372036854771712"}
    assert usable_memory(*written(files)).total == psutil.virtual_memory().total


@pytest.mark.skipif(
    os.geteuid() != 0 or not (GROUPS / "memory/tasks").exists() or not (GROUPS / "cpu/tasks").exists(),
    reason="making a control group needs root and version 1's controllers",
)
def test_a_process_in_a_real_group_is_told_the_groups_limits():
    mine = [GROUPS / kind / f"simclr-test-{os.getpid()}" for kind in ("memory", "cpu")]
    try:
        for group in mine:
            group.mkdir()
        (mine[0] / "memory.limit_in_bytes").write_text(str(GIB))
        (mine[1] / "cpu.cfs_quota_us").write_text("100000")
        (mine[1] / "cpu.cfs_period_us").write_text("100000")

        def enter():
            for group in mine:
                (group / "cgroup.procs").write_text(str(os.getpid()))

        asked = subprocess.run(
            [sys.executable, "-c", ASKED], capture_output=True, text=True, check=True, preexec_fn=enter
        )
        assert json.loads(asked.stdout) == [1, GIB, GIB]
    finally:
        for group in mine:
            group.rmdir()
