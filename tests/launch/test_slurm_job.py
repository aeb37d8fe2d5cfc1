"""A job that Slurm has held since 0.1 finds its code under the name that it was pickled with."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from simclr_tui.errors import ExitCode
from simclr_tui.launch.slurm.job_main import Attempts
from simclr_tui.launch.start import create
from simclr_tui.store.store import Store
from tests.training import STEPS, tiny_plan

# What submitit 1.5 wrote for a job of 0.1, but for the frame's length; the run's folder stands at RUN.
PICKLED_BY_0_1 = (
    b"\x80\x05\x8c\x13submitit.core.utils\x94\x8c\x11DelayedSubmission\x94\x93\x94)\x81\x94}\x94(\x8c\x08function\x94"
    b"\x8c\x1bsimclr_tui.launch.slurm_job\x94\x8c\x08Attempts\x94\x93\x94)\x81\x94}\x94\x8c\x07run_dir\x94RUN\x94sb"
    b"\x8c\x04args\x94)\x8c\x06kwargs\x94}\x94\x8c\x07_result\x94N\x8c\x05_done\x94\x89\x8c\x0c_timeout_min\x94K\n"
    b"\x8c\x12_timeout_countdown\x94M\x10'ub."
)


def test_a_job_pickled_by_0_1_trains_its_run(tmp_path):
    pytest.importorskip("submitit")
    run = create(Store(tmp_path / "runs"), tiny_plan(), queued=True)
    path = str(run.path).encode()
    job = tmp_path / "job.pkl"
    job.write_bytes(PICKLED_BY_0_1.replace(b"RUN", b"X" + len(path).to_bytes(4, "little") + path))
    code = "import pickle, sys; sys.exit(pickle.load(open(sys.argv[1], 'rb')).result())"
    done = subprocess.run([sys.executable, "-c", code, job], capture_output=True, text=True, timeout=150)
    assert done.returncode == ExitCode.OK, done.stderr
    assert (run.state, run.status.step) == ("finished", STEPS)


def test_a_job_that_comes_back_is_pickled_under_the_new_name():
    assert b"simclr_tui.launch.slurm.job_main" in pickle.dumps(Attempts("/runs/run1"))
