"""The parent of one training process, started as `python -m simclr_tui.launch.supervisor RUN_DIR ATTEMPT`.

It starts the trainer, samples the hardware meanwhile, limits the size of the log, and records the trainer's end when
the trainer cannot do so itself. Nothing depends on it staying alive.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType

import msgspec

from simclr_tui.atomic import LineWriter
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import ExitCode, StoreError, UnansweredError
from simclr_tui.hardware.energy import EnergyMeter
from simclr_tui.hardware.oom import OomWatch
from simclr_tui.hardware.sampler import Sampler
from simclr_tui.launch.catalog_updates import CatalogUpdates
from simclr_tui.launch.exit_reason import killed
from simclr_tui.launch.log_limit import limited
from simclr_tui.launch.start import last_words
from simclr_tui.launch.tell import NewsOfRun, promise
from simclr_tui.launch.trainer_process import Meeting, first_failure, start_training
from simclr_tui.paths import RunPaths
from simclr_tui.store.energy import read_energy, write_energy
from simclr_tui.store.events import EventLog
from simclr_tui.store.held_folder import HeldFolder
from simclr_tui.store.process import this_process
from simclr_tui.store.run import Run
from simclr_tui.store.state import ACTIVE, State, read_state, write_state

_SAMPLE_EVERY = 1.0  # seconds
_ASKED_AGAIN = 60
Look = Callable[[RunPaths], None]


def main(run_dir: str, attempt: int) -> int:
    """Supervise one attempt to its end. Returns the trainer's exit code."""
    run = Run(Path(run_dir))
    folder = HeldFolder(run.paths)
    stored = read_state(run.paths)
    write_state(run.paths, msgspec.structs.replace(stored, supervisor=this_process(), process=None))
    log = run.paths.attempt(attempt).log
    trainer = start_training(run, log, Meeting.of(os.environ))
    _forward_signals(trainer)
    done = threading.Event()
    memory = OomWatch(trainer.pid)
    looks = (CatalogUpdates().look, NewsOfRun().look)
    promise(run.paths.attempt(attempt))
    meter = EnergyMeter(alone=run.recipe.device != "cpu")
    sample = partial(_sample, folder, attempt, memory, pid=trainer.pid, done=done, looks=looks, meter=meter)
    sampling = threading.Thread(target=sample, daemon=True)
    sampling.start()
    with limited(log):
        code = trainer.wait()
    done.set()
    # Use the folder where it lies now: its old path may belong to another run.
    _record_end(Run(folder.paths.root), attempt, code, by_kernel=memory.killed())
    sampling.join(_SAMPLE_EVERY)  # two looks at once would both see the end
    _look(folder, looks)
    return code if code >= 0 else 128 - code


def _forward_signals(trainer: subprocess.Popen[bytes]) -> None:
    """Pass signals on to the trainer as SIGTERM, which asks for a checkpoint: the one signal torchrun understands."""

    def forward(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            trainer.send_signal(signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, forward)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _sample(
    folder: HeldFolder, attempt: int, memory: OomWatch, *, pid: int, done: threading.Event, looks: Sequence[Look],
    meter: EnergyMeter,
) -> None:  # fmt: skip
    """Write a sample of the hardware about once a second until the trainer ends, and the energy that they come to."""
    run = Run(folder.paths.root)
    lines = LineWriter(run.paths.attempt(attempt).hardware, keep=100)
    sampler = Sampler(pid=pid, disk=run.path)
    _look(folder, looks)
    while not done.wait(_SAMPLE_EVERY):
        _look(folder, looks)
        memory.look()
        sample = sampler.sample()
        lines.append(msgspec.json.encode(sample))
        meter.add(sample)
        with contextlib.suppress(OSError):  # a full disk, or a folder that was deleted
            write_energy(folder.paths.attempt(attempt), meter.energy)


def _look(folder: HeldFolder, looks: Sequence[Look]) -> None:
    """Look under the path where the folder lies now: a path through this process's files means nothing to another."""
    paths = RunPaths(folder.paths.root.resolve())
    for look in looks:
        look(paths)


def _record_end(run: Run, attempt: int, code: int, *, by_kernel: bool) -> None:
    """Record how the attempt ended, unless the trainer has; `by_kernel` means that memory has just run out."""
    try:
        stored = _last_state(run)
    except StoreError:  # deleted while it trained
        return
    if stored.state not in ACTIVE or stored.attempt != attempt:
        return
    told = first_failure(run, attempt, by_kernel)
    reason, exit_code = told or _failure(run, code, stored, by_kernel=by_kernel)
    ended = msgspec.structs.replace(
        stored,
        state="failed",
        since=SYSTEM_CLOCK.wall(),
        reason=reason,
        exit_code=exit_code,
        summary={**stored.summary, **read_energy(run.paths).summary()},
    )
    write_state(run.paths, ended, durable=True)
    events = EventLog(run.paths.attempt(attempt))
    events.write("failed", reason, step=stored.step)
    events.close()


def _last_state(run: Run) -> State:
    """Return the state as last written; a disk that does not answer is asked again for a minute. Raises StoreError."""
    for _ in range(_ASKED_AGAIN):
        with contextlib.suppress(UnansweredError):  # such as one from a disk that has to wake up
            return read_state(run.paths)
        time.sleep(_SAMPLE_EVERY)
    return read_state(run.paths)


def _failure(run: Run, code: int, stored: State, *, by_kernel: bool) -> tuple[str, int]:
    """Return the reason and exit code of a trainer that recorded none."""
    if code >= 0:
        return f"the trainer ended with code {code}: {last_words(run, stored.attempt)}", code or ExitCode.FAILED
    return killed("", -code, by_kernel=by_kernel, where=f", around step {stored.step}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
