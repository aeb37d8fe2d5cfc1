"""Start the training process: `python -m simclr_tui.train RUN_DIR` trains the newest attempt of a run to its end.

The lock is taken and the state written before torch is imported, so that the run is known to be alive from the
first tenth of a second on.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from simclr_tui.atomic import Lock
from simclr_tui.errors import ExitCode
from simclr_tui.paths import RunPaths
from simclr_tui.store.held_folder import HeldFolder
from simclr_tui.store.process import is_alive
from simclr_tui.store.state import read_state
from simclr_tui.train.observe.reporter import QuietReporter, Reporter
from simclr_tui.train.stop_flag import StopFlag

_EXIT_TIME = 30.0  # seconds that a process may take to exit


def main(arguments: list[str]) -> int:
    """Return the process's exit code (see `errors.ExitCode`)."""
    if len(arguments) != 1:
        print("usage: python -m simclr_tui.train RUN_DIR", file=sys.stderr)
        return ExitCode.USAGE
    paths = RunPaths(Path(arguments[0]))
    rank = int(os.environ.get("RANK", "0"))
    return _run_other_rank(paths, rank) if rank else _run_rank_zero(paths)


def _run_rank_zero(paths: RunPaths) -> int:
    """Run rank 0, often the only process: it holds the run's lock and writes its folder."""
    lock = Lock(paths.lock)
    # The attempt before this one may have ended and its process not have exited yet; wait for that, not for training.
    still_training = is_alive(read_state(paths).process)
    if not lock.acquire(wait=0.0 if still_training else _EXIT_TIME):
        print(f"{paths.root.name} is already training in another process", file=sys.stderr)
        return ExitCode.STORE
    stop = StopFlag()
    stop.listen()
    report = Reporter(paths, folder=HeldFolder(paths, lock))
    report.starting("loading torch")
    from simclr_tui.train.attempt import run_attempt

    return run_attempt(paths, report, stop)


def _run_other_rank(paths: RunPaths, rank: int) -> int:
    """Run one of the other processes that torchrun started for this run."""
    stop = StopFlag()
    stop.listen()
    from simclr_tui.train.attempt import run_attempt

    return run_attempt(paths, QuietReporter(paths, rank), stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
