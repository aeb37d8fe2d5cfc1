"""Spell every file name of a run folder, and of the user's configuration, exactly once."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from simclr_tui.errors import StoreError

CATALOG = "catalog.db"
TRASH = ".trash"
QUEUE = ".queue"
SWEEPS = ".sweeps"
LAYOUT = "dashboard.json"  # the dashboard's last layout for this store
RUN_FILE = "run.json"
CLAIM_LOCK = ".claim.lock"  # held while a run's folder is created
_ATTEMPT = re.compile(r"attempt-([0-9]{4}|[1-9][0-9]{4,8})")


@dataclass(frozen=True)
class AttemptPaths:
    """Name the files of one attempt: one start or resume of a run."""

    root: Path

    @property
    def number(self) -> int:
        return int(self.root.name.removeprefix("attempt-"))

    @property
    def metrics(self) -> Path:
        return self.root / "metrics.jsonl"

    @property
    def hardware(self) -> Path:
        return self.root / "hardware.jsonl"

    @property
    def energy(self) -> Path:
        """Return the attempt's energy so far, which its supervisor measures."""
        return self.root / "energy.json"

    @property
    def events(self) -> Path:
        return self.root / "events.jsonl"

    @property
    def log(self) -> Path:
        return self.root / "output.log"

    @property
    def told(self) -> Path:
        """Return the file of the events that the user was told of."""
        return self.root / "told.jsonl"

    @property
    def told_lock(self) -> Path:
        return self.root / "told.lock"

    def node_log(self, node: int) -> Path:
        """Return the log of a Slurm job's further node, counted from 1."""
        return self.root / f"node{node}.log"

    def node_logs(self) -> list[Path]:
        return sorted(self.root.glob("node*.log"))


@dataclass(frozen=True)
class RunPaths:
    """Name the files of a run's folder."""

    root: Path

    @property
    def info(self) -> Path:
        return self.root / RUN_FILE

    @property
    def unpublished(self) -> Path:
        """Return what becomes run.json, which makes the folder a run, once all else in it is on the disk."""
        return self.root / f"{RUN_FILE}.new"

    @property
    def recipe(self) -> Path:
        return self.root / "recipe.toml"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def lock(self) -> Path:
        return self.root / "run.lock"

    @property
    def launch_lock(self) -> Path:
        """Return the lock held while an attempt is being launched."""
        return self.root / "launch.lock"

    @property
    def turn(self) -> Path:
        """Return the mark of whoever launches or queues an attempt, for hosts that do not see that lock."""
        return self.root / "turn.json"

    @property
    def claim_lock(self) -> Path:
        """Return the lock held while the folder is being filled; gone once it is a run."""
        return self.root / "claim.lock"

    @property
    def ticket(self) -> Path:
        """Return the run's place in the queue; exists while the queue manages the run."""
        return self.root / "ticket.json"

    @property
    def slurm(self) -> Path:
        """Return the record of the run's Slurm job; exists while a job is responsible for the run."""
        return self.root / "slurm.json"

    @property
    def slurm_folder(self) -> Path:
        """Return the folder in which submitit keeps the run's jobs."""
        return self.root / "slurm"

    @property
    def asked(self) -> Path:
        """Return the resources that the newest Slurm job requested; kept after the job has gone."""
        return self.slurm_folder / "asked.json"

    @property
    def meeting(self) -> Path:
        """Return the file in which the first node of a Slurm job tells the others where to connect."""
        return self.root / "meeting.json"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def evaluations(self) -> Path:
        return self.root / "evaluations"

    @property
    def outline(self) -> Path:
        """Return the cache from which the dashboard draws a long history before it has read the log."""
        return self.root / "outline.msgpack"

    def attempt(self, number: int) -> AttemptPaths:
        return AttemptPaths(self.root / f"attempt-{number:04d}")

    def attempts(self) -> list[AttemptPaths]:
        """Return the attempts that exist, oldest first."""
        try:
            with os.scandir(self.root) as entries:  # a link could lead anywhere, and be written to
                found = [_ATTEMPT.fullmatch(entry.name) for entry in entries if not entry.is_symlink()]
        except OSError:
            return []
        return [self.attempt(number) for number in sorted(int(match[1]) for match in found if match)]

    def checkpoint(self, step: int) -> Path:
        return self.checkpoints / f"step-{step:08d}.pt"

    def manifest(self, step: int) -> Path:
        return self.checkpoints / f"step-{step:08d}.json"


@dataclass(frozen=True)
class QueuePaths:
    """Name the files of a store's queue, and of the dispatcher of one of its users.

    `user` is the ending of the names of that dispatcher's files; empty for the user who made the queue's folder.
    """

    root: Path
    user: str = ""

    @property
    def lock(self) -> Path:
        """Return the lock that the dispatcher holds while it lives."""
        return self.root / f"dispatcher.lock{self.user}"

    @property
    def turn(self) -> Path:
        """Return the lock under which one dispatcher at a time takes free slots."""
        return self.root / "turn.lock"

    @property
    def everyone(self) -> Path:
        """Return the file that exists while the user's dispatcher starts what others queued, too."""
        return self.root / f"everyone{self.user}"

    @property
    def dispatcher(self) -> Path:
        """Return the dispatcher's identity; removed by a dispatcher that exits cleanly."""
        return self.root / f"dispatcher.json{self.user}"

    @property
    def paused(self) -> Path:
        """Return the file that exists while the queue is paused and says why."""
        return self.root / "paused.json"

    @property
    def settings(self) -> Path:
        return self.root / "settings.json"

    @property
    def tickets(self) -> Path:
        """Return the folder with one empty file for each run that has a ticket."""
        return self.root / "tickets"

    @property
    def index(self) -> Path:
        """Return the file that says when the run folders were last searched for tickets."""
        return self.root / "index.json"

    @property
    def slurm(self) -> Path:
        """Return the marker that a run of this store has been a Slurm job; without it Slurm is never queried."""
        return self.root / "slurm"

    @property
    def log(self) -> Path:
        return self.root / f"dispatcher.log{self.user}"


def config_path() -> Path:
    """Return the path of the user's defaults: in $XDG_CONFIG_HOME, else in ~/.config."""
    return expand_user(os.environ.get("XDG_CONFIG_HOME") or "~/.config") / "simclr-tui" / "config.toml"


def expand_user(path: str | Path) -> Path:
    """Return the path with `~` replaced. Raises StoreError where there is no home folder, as in some containers."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise StoreError(
            f"this account has no home folder, so {path} leads nowhere",
            "set HOME, or set SIMCLR_DATA and XDG_CONFIG_HOME to folders that you may write to",
        ) from None
