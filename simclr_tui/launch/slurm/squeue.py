"""Ask squeue for the states of many jobs at once."""

from __future__ import annotations

import subprocess

ASK_WITHIN = 30.0  # seconds for Slurm to answer
_ASK_OF = 5_000  # jobs per call of squeue


def states_of(ids: list[str]) -> dict[str, tuple[str, str]] | None:
    """Return each job's state and the reason why it waits, or None when Slurm does not answer.

    The kernel allows 128 KiB in one command-line argument: the ids of some 20,000 jobs.
    """
    said: dict[str, tuple[str, str]] = {}
    for first in range(0, len(ids), _ASK_OF):
        part = _some(ids[first : first + _ASK_OF])
        if part is None:
            return None
        said |= part
    return said


def _some(ids: list[str]) -> dict[str, tuple[str, str]] | None:
    command = ["squeue", "--noheader", "--states=all", "--format=%i|%T|%r", f"--jobs={','.join(ids)}"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=ASK_WITHIN, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    # squeue leaves out an unknown job among several; alone, it is an error, which is an answer too.
    if asked.returncode and "Invalid job id" not in asked.stderr:
        return None
    rows = [line.split("|") for line in asked.stdout.splitlines() if line.count("|") == 2]
    return {job: (state, reason) for job, state, reason in rows}
