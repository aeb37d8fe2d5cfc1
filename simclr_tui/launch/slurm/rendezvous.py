"""Train one run with processes on several nodes of one Slurm job.

The first node holds the attempt as any job does, and writes down where its torchrun listens; the others wait for
that and start a torchrun each, without touching the run's state.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.errors import ExitCode
from simclr_tui.launch.log_limit import limited
from simclr_tui.launch.trainer_process import Meeting, start_training
from simclr_tui.regular_file import read_small
from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE, read_state
from simclr_tui.store.unreadable import UNREADABLE

_TICK = 0.2
_MET_WITHIN = 600.0  # seconds for the first node to start: a shared file system may show a file late
_LEFT_WITHIN = 90.0  # seconds for the processes here to notice the attempt's end


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the node's number (0 is the first), the job and its start count: a requeued job counts as a new start."""

    start: str
    node: int
    nodes: int


class _Word(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the contents of meeting.json, from the first node to the others. Without a meeting there is nothing to
    join."""

    start: str
    attempt: int = 0
    meeting: Meeting | None = None


def this_place() -> Place:
    """Return this node's place from Slurm's variables; a single node without them."""
    start = f"{os.environ.get('SLURM_JOB_ID', '')}.{os.environ.get('SLURM_RESTART_COUNT', '0')}"
    node, nodes = (int(os.environ.get(name, default)) for name, default in _COUNTS)
    return Place(start=start, node=node, nodes=nodes)


_COUNTS = (("SLURM_NODEID", "0"), ("SLURM_JOB_NUM_NODES", "1"))


def open_meeting(place: Place) -> Meeting | None:
    """Return a free port of this node under the host name that the others use; None for a job of one node."""
    if place.nodes == 1:
        return None
    with socket.socket() as free:
        free.bind(("", 0))
        return Meeting(nodes=place.nodes, host=socket.gethostname(), port=free.getsockname()[1])


def tell(run: Run, place: Place, *, attempt: int = 0, meeting: Meeting | None = None) -> None:
    """Tell the other nodes where to meet or, without a meeting, that they may exit. Raises OSError."""
    if place.nodes > 1:
        word = _Word(start=place.start, attempt=attempt, meeting=meeting)
        write_file(run.paths.meeting, msgspec.json.encode(word))


def join(run: Run, place: Place) -> int:
    """Join the first node's attempt and train to its end. Returns the exit code of this node's processes."""
    word = _heard(run, place)
    if word is None:
        return ExitCode.FAILED
    if word.meeting is None:
        return ExitCode.OK
    log = run.paths.attempt(word.attempt).node_log(place.node)
    torchrun = start_training(run, log, word.meeting, node=place.node)
    with limited(log):
        return _until_left(run, word.attempt, torchrun)


def _heard(run: Run, place: Place) -> _Word | None:
    deadline = time.monotonic() + _MET_WITHIN
    while time.monotonic() < deadline:
        try:
            word = msgspec.json.decode(read_small(run.paths.meeting), type=_Word)
        except UNREADABLE:
            word = None
        if word is not None and word.start == place.start:
            return word
        time.sleep(_TICK)
    return None


def _until_left(run: Run, attempt: int, torchrun: subprocess.Popen[bytes]) -> int:
    """Wait until this node's torchrun has ended; kill it if it does not notice the end of the attempt."""
    ended: float | None = None
    while (code := torchrun.poll()) is None:
        status = read_state(run.paths)
        if status.attempt == attempt and status.state in ACTIVE:
            ended = None
        elif ended is None:
            ended = time.monotonic()
        elif time.monotonic() - ended > _LEFT_WITHIN:
            os.killpg(torchrun.pid, signal.SIGKILL)
        time.sleep(_TICK)
    return code if code >= 0 else 128 - code
