"""The GPU check rehearsed on a CPU: every stage starts, measures something and says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
CHECK = TOP / "benchmarks" / "gpu" / "gpu-check.sh"


def rehearse(place: Path, *stages: str) -> tuple[subprocess.CompletedProcess[str], str]:
    environment = os.environ | {
        "DEVICE": "cpu",
        "OUT": str(place / "out"),
        "WORK": str(place / "work"),
        "PY": sys.executable,
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(["bash", CHECK, *stages], env=environment, capture_output=True, text=True, timeout=250)
    summary = place / "out" / "summary.txt"
    return done, summary.read_text() if summary.exists() else ""


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("waits", "growing views: 0 waits in"),
        ("truth", "streamed batches that differ from the resident ones: 0 of"),
        ("speed", "images/s, n 3"),
        ("profile", "eager: 2 steps profiled"),
    ],
)
def test_a_stage_runs_and_says_what_it_measured(tmp_path, stage, said):
    done, summary = rehearse(tmp_path, stage)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{stage:10} passed" in summary
    assert said in summary


def test_a_stage_that_fails_is_said_and_does_not_stop_the_next(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "steps").write_text("not a folder of runs")
    done, summary = rehearse(tmp_path, "profile", "machine")
    assert done.returncode == 1
    assert "profile    FAILED with 1" in summary
    assert "machine    passed" in summary
    assert ">> commit" in summary


def test_a_stage_that_is_not_there_is_refused(tmp_path):
    done, _ = rehearse(tmp_path, "nonsense")
    assert done.returncode == 2
    assert "no stage nonsense; there are: machine waits tests" in done.stderr
