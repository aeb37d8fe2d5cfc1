from __future__ import annotations

import os
import subprocess
import sys

from simclr_tui.errors import ExitCode


def get(tmp_path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SIMCLR_DATA": str(tmp_path), "SIMCLR_OFFLINE": "1"}
    command = [sys.executable, "-m", "simclr_tui.train.data", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_shapes_are_drawn_and_kept(tmp_path):
    done = get(tmp_path, "shapes", "--subset", "50")
    assert done.returncode == 0
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1] == "shapes: 50 images to train on, 50 to test on"
    assert list((tmp_path / "decoded").glob("*/train.npy"))


def test_what_cannot_be_had_exits_with_its_code(tmp_path):
    done = get(tmp_path, "cifar10")
    assert done.returncode == ExitCode.DATA
    assert "cifar-10-python.tar.gz" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_name(tmp_path):
    done = get(tmp_path, "cfar10")
    assert done.returncode == ExitCode.DATA
    assert "did you mean cifar10?" in done.stderr
