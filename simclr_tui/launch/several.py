"""A run of several processes: torchrun starts them, and the first failure among them is the one that is told."""

from __future__ import annotations

import os
import re
import signal
import sys

from simclr_tui.errors import ExitCode
from simclr_tui.store.events import PROCESS_FAILED
from simclr_tui.store.run import Run

# What torchrun's summary says of a process that a signal ended.
_KILLED = re.compile(rb"rank +: (\d+) .*\n +exitcode +: -(\d+) ")
_TAIL = 65536  # bytes of the log in which that summary is looked for


def trainer_command(run: Run) -> list[str]:
    """What trains the run's newest attempt."""
    processes = run.recipe.gpus
    train = ["-m", "simclr_tui.train", str(run.path)]
    if processes == "1":
        return [sys.executable, *train]
    # Standalone: the processes meet at a free port of this machine alone.
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", processes, "--max-restarts", "0"]
    return [sys.executable, *torchrun, *train]


def trainer_environment(run: Run) -> dict[str, str]:
    """Of the process or processes, each of which chooses its number of threads; torchrun warns where none is given.

    Threads that have nothing to do sleep: left alone they spin, on cores that another run could have. What the user's
    environment says comes first.
    """
    threads = {"OMP_WAIT_POLICY": "PASSIVE"} | ({} if run.recipe.gpus == "1" else {"OMP_NUM_THREADS": "1"})
    return threads | dict(os.environ) | {"PYTHONUNBUFFERED": "1"}


def first_failure(run: Run, attempt: int) -> tuple[str, int] | None:
    """Why an attempt of several processes failed, and its exit code; None where nothing tells.

    A process that says what went wrong comes before one that was killed, and that before one that only missed another.
    """
    told = [event for event in run.events if event.attempt == attempt and event.event == PROCESS_FAILED]
    own = next((event for event in told if not event.lost), None)
    if own is not None:
        return f"process {own.rank}: {own.message}", own.exit_code
    killed = _killed(run, attempt)
    if killed is not None:
        return killed
    return (f"process {told[0].rank} lost another: {told[0].message}", ExitCode.FAILED) if told else None


def _killed(run: Run, attempt: int) -> tuple[str, int] | None:
    try:
        log = run.paths.attempt(attempt).log.read_bytes()[-_TAIL:]
    except OSError:
        return None
    ends = [(int(rank), int(number)) for rank, number in _KILLED.findall(log)]
    # Torchrun ends the others by SIGTERM once one has failed.
    rank, number = next((end for end in ends if end[1] != signal.SIGTERM), (-1, 0))
    if rank < 0:
        return None
    guess = ", by someone or by the kernel for lack of memory" if number == signal.SIGKILL else ""
    return f"process {rank} was killed by {signal.Signals(number).name}{guess}", 128 + number
