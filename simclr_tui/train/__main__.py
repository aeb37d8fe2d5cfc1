"""The training process: `python -m simclr_tui.train RUN_DIR` trains the newest attempt of a run to its end.

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
from simclr_tui.store.process import is_alive
from simclr_tui.store.state import read_state
from simclr_tui.train.observe.reporter import QuietReporter, Reporter
from simclr_tui.train.stop_flag import StopFlag

_GOING = 30.0  # seconds that a process may take to be gone


def main(arguments: list[str]) -> int:
    """Return the process's exit code (see `errors.ExitCode`)."""
    if len(arguments) != 1:
        print("usage: python -m simclr_tui.train RUN_DIR", file=sys.stderr)
        return ExitCode.USAGE
    paths = RunPaths(Path(arguments[0]))
    rank = int(os.environ.get("RANK", "0"))
    return _follow(paths, rank) if rank else _lead(paths)


def _lead(paths: RunPaths) -> int:
    """The run's only process, or the first of several: it holds the lock and writes."""
    lock = Lock(paths.lock)
    # The attempt before this one may have said its last word and still be on its way out; one that trains is not.
    rival = is_alive(read_state(paths).process)
    if not lock.acquire(wait=0.0 if rival else _GOING):
        print(f"{paths.root.name} is already training in another process", file=sys.stderr)
        return ExitCode.STORE
    stop = StopFlag()
    stop.listen()
    report = Reporter(paths)
    report.starting("loading torch")
    from simclr_tui.train.attempt import work

    return work(paths, report, stop)


def _follow(paths: RunPaths, rank: int) -> int:
    """Another process of a run that torchrun started several of."""
    stop = StopFlag()
    stop.listen()
    from simclr_tui.train.attempt import work

    return work(paths, QuietReporter(paths, rank), stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
