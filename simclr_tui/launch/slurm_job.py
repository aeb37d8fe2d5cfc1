"""Keep the name under which 0.1 pickled its Slurm jobs: a job that Slurm still holds finds its code here and runs."""

from __future__ import annotations

from simclr_tui.launch.slurm.job_main import Attempts

__all__ = ["Attempts"]
