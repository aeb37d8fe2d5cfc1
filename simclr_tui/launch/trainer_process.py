"""Start the processes of a run and explain their failure.

torchrun starts a run of several processes, one torchrun per node; of several failures, the first is reported.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from simclr_tui.errors import ExitCode
from simclr_tui.interpreter import python, python_module
from simclr_tui.launch.cpu_load import others_compute
from simclr_tui.launch.exit_reason import killed
from simclr_tui.regular_file import append_regular
from simclr_tui.store.events import PROCESS_FAILED
from simclr_tui.store.log_tail import read_end
from simclr_tui.store.run import Run

# How torchrun's summary reports a process that a signal killed.
_KILLED = re.compile(rb"rank +: (\d+) .*\n +exitcode +: -(\d+) ")
_TAIL = 65536  # bytes at the log's end in which to look for that summary
_MEETING = "SIMCLR_MEETING"
# A step frees its activations, and the next one needs as much: glibc is told to keep them. Returning them to the kernel
# each time costs a narrow encoder a twentieth of its processor time (docs/performance.md).
_HEAP = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(4 << 30)}


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """Say where the torchruns of several nodes meet: a port of the first node."""

    nodes: int
    host: str
    port: int

    def environment(self) -> dict[str, str]:
        """Return the variables that carry the meeting to the supervisor."""
        return {_MEETING: msgspec.json.encode(self).decode()}

    @staticmethod
    def of(environment: Mapping[str, str]) -> Meeting | None:
        """Return the meeting in the environment, or None."""
        told = environment.get(_MEETING)
        return msgspec.json.decode(told, type=Meeting) if told else None


def trainer_command(run: Run, meeting: Meeting | None = None, node: int = 0) -> list[str]:
    """Return the command that trains the run's newest attempt; on one of several nodes, its share of the processes."""
    processes = int(run.recipe.gpus)
    train = ["-m", "simclr_tui.train", str(run.path)]
    if meeting is None and processes == 1:
        return python(*train)
    torchrun = python_module("torch.distributed.run", "--max-restarts", "0")
    if meeting is None:  # the processes meet at a free port of this machine alone
        return [*torchrun, "--standalone", "--nproc-per-node", str(processes), *train]
    # Not c10d: it numbers the nodes as it likes, and process 0 belongs to the first, which holds the attempt.
    torchrun += ["--nnodes", str(meeting.nodes), "--node-rank", str(node)]
    torchrun += ["--master-addr", meeting.host, "--master-port", str(meeting.port)]
    return [*torchrun, "--nproc-per-node", str(processes // meeting.nodes), *train]


def start_training(run: Run, log: Path, meeting: Meeting | None = None, *, node: int = 0) -> subprocess.Popen[bytes]:
    """Start `trainer_command` with its output in `log`.

    It leads a process group of its own, so that a stuck trainer can be killed with all that it started.
    """
    with append_regular(log) as output:
        return subprocess.Popen(
            trainer_command(run, meeting, node),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_ignore_the_warning,
            env=trainer_environment(run),
        )


def _ignore_the_warning() -> None:
    """Ignore Slurm's SIGUSR1, which reaches every process of a job: trainers handle it, torchrun would die of it."""
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def trainer_environment(run: Run) -> dict[str, str]:
    """Return the environment of a run's processes.

    Each chooses its own number of threads; torchrun warns where none is given.
    """
    threads = {} if run.recipe.gpus == "1" else {"OMP_NUM_THREADS": "1"}
    # torchrun starts Python itself and does not pass `-P` on to it.
    return threads | computing_environment() | {"PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}


def computing_environment() -> dict[str, str]:
    """Return the environment of a process that takes training steps. The user's own variables win.

    While other programs run, idle threads sleep: spinning, they would take cores that others need. A run that has the
    machine to itself lets them spin, which makes a narrow encoder an eighth faster (docs/performance.md).
    """
    idle = {"OMP_WAIT_POLICY": "PASSIVE"} if others_compute() else {}
    return idle | _HEAP | dict(os.environ)


def first_failure(run: Run, attempt: int, by_kernel: bool = False) -> tuple[str, int] | None:
    """Return why an attempt of several processes failed, and its exit code; None where that is unknown.

    `by_kernel` means that this machine's memory has just run out. A process that reports its error comes before one
    that was killed, and that before one that only lost contact with another.
    """
    told = [event for event in run.events if event.attempt == attempt and event.event == PROCESS_FAILED]
    own = next((event for event in told if not event.lost), None)
    if own is not None:
        return f"process {own.rank}: {own.message}", own.exit_code
    end = _killed(run, attempt, by_kernel)
    if end is not None:
        return end
    return (f"process {told[0].rank} lost another: {told[0].message}", ExitCode.FAILED) if told else None


def _killed(run: Run, attempt: int, by_kernel: bool) -> tuple[str, int] | None:
    paths = run.paths.attempt(attempt)
    logs = b"".join(_tail(path) for path in (paths.log, *paths.node_logs()))
    ends = [(int(rank), int(number)) for rank, number in _KILLED.findall(logs)]
    # torchrun ends the others with SIGTERM once one has failed.
    rank, number = next((end for end in ends if end[1] != signal.SIGTERM), (-1, 0))
    return killed(f"process {rank}", number, by_kernel=by_kernel) if rank >= 0 else None


def _tail(log: Path) -> bytes:
    try:
        return read_end(log, _TAIL)
    except OSError:
        return b""
