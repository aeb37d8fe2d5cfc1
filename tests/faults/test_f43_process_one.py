"""F43: SIGTERM to a command that follows its run is a stop with a checkpoint, as process 1 of a container too."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import psutil
import pytest

from simclr_tui.errors import ExitCode
from simclr_tui.store.store import Store
from tests.training import TINY, until

FLAGS = [f"--{key.replace('_', '-')}={value}" for key, value in (TINY | {"epochs": 100_000, "knn_every": 0}).items()]
CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc"]
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="NOT TESTED AS PROCESS 1: only root may make one"
)


@pytest.mark.parametrize("around", [[], pytest.param(CONTAINER, marks=needs_root)], ids=["plain", "process 1"])
def test_sigterm_stops_with_a_checkpoint(tmp_path, around, fault):
    run = Store(tmp_path / "runs").run("run1")
    command = [*around, sys.executable, "-m", "simclr_tui.cli.main", "run", "--preset", "quick", *FLAGS]
    for _ in range(fault("F43", 5, "SIGTERMs to `simclr run`", few=1)):
        shutil.rmtree(tmp_path / "runs", ignore_errors=True)
        process = subprocess.Popen([*command, "--runs", tmp_path / "runs"], stderr=subprocess.PIPE, text=True)
        until(lambda: run.paths.info.exists() and run.status.step > 20, what="it to train")
        target = psutil.Process(process.pid).children()[0].pid if around else process.pid
        os.kill(target, signal.SIGTERM)
        said = process.communicate(timeout=120)[1]
        assert process.returncode == ExitCode.STOPPED, said
        status = run.status
        assert (status.state, status.exit_code) == ("stopped", ExitCode.STOPPED)
        assert run.checkpoints[0].step == status.step > 20
