"""F52: two hosts on one disk: no run trains twice, and each host says where a run is alive.

The second host is a real process in namespaces of its own: another boot, host name and process table, and, as on file
systems whose locks do not reach beyond a host, other lock files laid over those of the run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simclr_tui.launch.start import start
from simclr_tui.launch.stop import kill
from simclr_tui.store.store import Store
from tests.faults.test_f03_stop import newest_step
from tests.training import tiny_plan, until

LONG = {"epochs": 100_000, "knn_every": 0, "checkpoint_every": 2}
# Its own boot and host name, and locks that say nothing of the first host's.
ENTER = """
set -e
mount --bind "$1/boot_id" /proc/sys/kernel/random/boot_id
hostname otherbox
for lock in run.lock launch.lock; do
  if [ -e "$2/$lock" ]; then mount --bind "$1/$lock" "$2/$lock"; fi
done
shift 2
exec "$@"
"""


@pytest.fixture
def other_host(tmp_path):
    """Run a command of ours on the second host, for a run."""
    home = tmp_path / "host"
    home.mkdir()
    (home / "boot_id").write_text("00000000-1111-2222-3333-444444444444\n")
    for name in ("run.lock", "launch.lock"):
        (home / name).touch()

    def call(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
        ours = [sys.executable, "-m", "simclr_tui", *words, "--runs", str(path.parent)]
        namespaces = ["unshare", "--mount", "--uts", "--pid", "--fork", "--mount-proc"]
        command = [*namespaces, "sh", "-c", ENTER, "sh", str(home), str(path), *ours]
        return subprocess.run(command, capture_output=True, text=True, timeout=200)

    tried = call(tmp_path / "runs" / "none", "--version") if os.geteuid() == 0 else None
    if tried is None or (tried.returncode and "unshare" in tried.stderr):
        pytest.skip("namespaces of another host need root")
    return call


@pytest.mark.timeout(3600)
def test_a_run_that_trains_on_one_host_is_told_and_not_begun_on_the_other(tmp_path, other_host, fault):
    run = start(Store(tmp_path / "runs"), tiny_plan(**LONG))
    try:
        until(lambda: newest_step(run) > 3, what="the first steps")
        for _ in range(fault("F52", 200, "resumes from a second host of a run that trains on the first", few=2)):
            refused = other_host(run.path, "resume", run.name)
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
