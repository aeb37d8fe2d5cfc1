"""F4: whoever watches or supervises a run can be killed: it trains on, and whoever looks next sees it."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from simclr_tui.launch.start import resume, start
from simclr_tui.launch.stop import kill, stop
from simclr_tui.store.process import is_alive
from simclr_tui.store.store import Store
from tests.faults.test_f03_stop import newest_step
from tests.training import tiny_plan, until

LONG = {"epochs": 100_000, "knn_every": 0, "checkpoint_every": 50}
DASHBOARD = (
    "import sys; from pathlib import Path; from simclr_tui.tui import session; session.run_dashboard(Path(sys.argv[1]))"
)


@pytest.fixture
def run(tmp_path):
    run = start(Store(tmp_path / "runs"), tiny_plan(**LONG))
    until(lambda: newest_step(run) > 3, what="the first steps")
    yield run
    kill(run)


def goes_on(run):
    """It is seen at once as what it is, and makes steps."""
    began = time.monotonic()
    assert run.state == "running"
    before = newest_step(run)
    assert time.monotonic() - began < 1.0
    until(lambda: newest_step(run) > before + 2, what="further steps")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("watcher", ["attach", "dashboard"])
def test_a_killed_watcher_takes_nothing_with_it(run, watcher, fault):
    words = {
        "attach": ["-m", "simclr_tui.cli.main", "attach", run.name],
        "dashboard": ["-c", DASHBOARD, str(run.path.parent)],
    }[watcher]
    environment = os.environ | {"TERM": "xterm-256color", "SIMCLR_RUNS": str(run.path.parent)}
    for _ in range(fault("F4", 50, "kills of what watches: `simclr attach`, the dashboard", few=2)):
        master, slave = os.openpty()
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=environment,
        )  # fmt: skip
        os.close(slave)
        seen, shown = b"", {"attach": b"img/s", "dashboard": b"run1"}[watcher]
        while shown not in seen:
            assert select.select([master], [], [], 60)[0], seen
            seen += os.read(master, 65536)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        os.close(master)
        goes_on(run)


@pytest.mark.timeout(3600)
def test_a_killed_supervisor_takes_nothing_with_it(run, fault):
    for _ in range(fault("F4", 50, "kills of the supervisor, each with a stop and a resume after it", few=1)):
        supervisor = until(lambda: run.state == "running" and run.status.supervisor)
        os.kill(supervisor.pid, signal.SIGKILL)
        until(lambda gone=supervisor: not is_alive(gone), what="its end")
        goes_on(run)
        assert stop(run).state == "stopped"
        resume(run)
        until(lambda: run.state == "running", what="the next attempt")
