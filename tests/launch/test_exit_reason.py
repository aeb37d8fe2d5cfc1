"""The kernel's own kill for lack of memory is told apart from any other SIGKILL, and is not tried again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simclr_tui.errors import ExitCode
from simclr_tui.launch.queue.queue import dispatches, enqueue, pause
from simclr_tui.launch.slurm.jobs import refresh
from simclr_tui.paths import QUEUE, QueuePaths
from simclr_tui.store.slurm_file import Job, read_job
from simclr_tui.store.state import State, write_state
from simclr_tui.store.store import Store
from tests.training import tiny_plan, tiny_run, until

GROUPS = Path("/sys/fs/cgroup")
LIMIT = 700 * 2**20  # bytes: all that a small run needs, and no room for the one below
HUNGRY = {"bs": 512, "subset": 512, "image_size": 64, "width": 1.0, "epochs": 100}
# Enters the group, so that all it starts is born there, and empties the queue.
INSIDE = """
import os, sys
from pathlib import Path
from simclr_tui.launch.queue.dispatcher import main
Path(sys.argv[2], "cgroup.procs").write_text(str(os.getpid()))
main(sys.argv[1])
"""


@pytest.fixture
def limited():
    """A control group below our own in which memory ends soon."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = {names: path.strip("/") for _, names, path in (line.split(":", 2) for line in lines)}
    first = next((path for names, path in own.items() if "memory" in names.split(",")), None)
    parent = GROUPS / own.get("", "") if first is None else GROUPS / "memory" / first
    group = parent / f"simclr-test-{os.getpid()}"
    limit = group / ("memory.max" if first is None else "memory.limit_in_bytes")
    try:
        group.mkdir()
        limit.write_text(str(LIMIT))
    except OSError as error:
        if group.exists():
            group.rmdir()
        pytest.skip(f"no memory limit can be set here: {error}")
    yield group
    until(lambda: not (group / "cgroup.procs").read_text().split(), what="the group to be empty")
    group.rmdir()


def test_the_kernels_kill_is_no_memory_and_is_not_tried_again(tmp_path, limited):
    store = Store(tmp_path / "runs")
    small, large = enqueue(store, tiny_plan()), enqueue(store, tiny_plan(**HUNGRY))
    try:
        subprocess.run([sys.executable, "-c", INSIDE, store.root, limited], check=True, timeout=150)
    finally:
        pause(store)
        until(lambda: not dispatches(store), what="the dispatcher to leave")
    assert small.state == "finished"
    ended = large.status
    assert (ended.state, ended.attempt, ended.exit_code) == ("failed", 1, ExitCode.OUT_OF_MEMORY)
    assert ended.reason.startswith("out of memory (killed by the kernel), around step 0 — give --micro-batch auto")
    assert ended.reason.endswith("not retried: memory would run out again")


@pytest.mark.parametrize(
    ("before", "exit_code"), [("running", None), ("failed", 137)], ids=["killed with its supervisor", "killed alone"]
)
def test_slurm_tells_that_memory_ran_out(tmp_path, monkeypatch, before, exit_code):
    """A squeue that answers as one of a cluster with memory limits does; Slurm's own limits need a cluster."""
    run = tiny_run(tmp_path / "runs")
    (tmp_path / "squeue").write_text("#!/bin/sh\necho '12|OUT_OF_MEMORY|OutOfMemory'\n")
    (tmp_path / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    write_state(run.paths, State(state=before, since=0.0, step=3, attempt=1, exit_code=exit_code))
    run.paths.slurm.write_bytes(b'{"id":"12"}')
    assert read_job(run.paths) == Job(id="12")
    store = Store(tmp_path / "runs")
    QueuePaths(store.root / QUEUE).slurm.parent.mkdir()
    QueuePaths(store.root / QUEUE).slurm.touch()
    refresh(store)
    assert (run.state, run.status.exit_code) == ("failed", ExitCode.OUT_OF_MEMORY)
    assert run.status.reason.startswith("out of memory (killed by the kernel), around step 3; Slurm: job 12 is out of")
    assert read_job(run.paths) is None
