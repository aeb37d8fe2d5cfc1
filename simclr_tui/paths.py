"""Every file name of a run folder, and of the user's configuration, spelled once."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

CATALOG = "catalog.db"
TRASH = ".trash"
QUEUE = ".queue"
SWEEPS = ".sweeps"
LAYOUT = "dashboard.json"  # how the dashboard of this store was left
RUN_FILE = "run.json"
CLAIM_LOCK = ".claim.lock"  # held while a run's folder is made
_ATTEMPT = re.compile(r"attempt-([0-9]{4}|[1-9][0-9]{4,8})")


@dataclass(frozen=True)
class AttemptPaths:
    """One start or resume of a run."""

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
    def events(self) -> Path:
        return self.root / "events.jsonl"

    @property
    def log(self) -> Path:
        return self.root / "output.log"

    def node_log(self, node: int) -> Path:
        """What the processes of another node than the first printed."""
        return self.root / f"node{node}.log"

    def node_logs(self) -> list[Path]:
        return sorted(self.root.glob("node*.log"))


@dataclass(frozen=True)
class RunPaths:
    """A run's folder."""

    root: Path

    @property
    def info(self) -> Path:
        return self.root / RUN_FILE

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
        """Held for the moment in which an attempt is begun."""
        return self.root / "launch.lock"

    @property
    def claim_lock(self) -> Path:
        """Held while the folder is filled by whoever claimed its name; gone when it is a run."""
        return self.root / "claim.lock"

    @property
    def ticket(self) -> Path:
        """Where the run stands in the queue; there as long as the queue looks after it."""
        return self.root / "ticket.json"

    @property
    def slurm(self) -> Path:
        """There while a Slurm job answers for the run."""
        return self.root / "slurm.json"

    @property
    def slurm_folder(self) -> Path:
        """What submitit keeps of the run's jobs."""
        return self.root / "slurm"

    @property
    def asked(self) -> Path:
        """What the run's newest Slurm job asked for; stays when the job is gone."""
        return self.slurm_folder / "asked.json"

    @property
    def meeting(self) -> Path:
        """Where the nodes of a Slurm job meet: the first one's word to the others."""
        return self.root / "meeting.json"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def evaluations(self) -> Path:
        return self.root / "evaluations"

    def attempt(self, number: int) -> AttemptPaths:
        return AttemptPaths(self.root / f"attempt-{number:04d}")

    def attempts(self) -> list[AttemptPaths]:
        """Those that exist, oldest first."""
        try:
            found = [_ATTEMPT.fullmatch(entry.name) for entry in self.root.iterdir()]
        except OSError:
            return []
        return [self.attempt(number) for number in sorted(int(match[1]) for match in found if match)]

    def checkpoint(self, step: int) -> Path:
        return self.checkpoints / f"step-{step:08d}.pt"

    def manifest(self, step: int) -> Path:
        return self.checkpoints / f"step-{step:08d}.json"


@dataclass(frozen=True)
class QueuePaths:
    """What the queue of a store keeps beside its runs."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held by the dispatcher as long as it lives."""
        return self.root / "dispatcher.lock"

    @property
    def dispatcher(self) -> Path:
        """Who dispatches; taken away by a dispatcher that leaves in order."""
        return self.root / "dispatcher.json"

    @property
    def paused(self) -> Path:
        """There while nothing may start; says why."""
        return self.root / "paused.json"

    @property
    def settings(self) -> Path:
        return self.root / "settings.json"

    @property
    def slurm(self) -> Path:
        """There once a run of the store was a Slurm job: without it nobody looks for jobs."""
        return self.root / "slurm"

    @property
    def log(self) -> Path:
        return self.root / "dispatcher.log"


def config_path() -> Path:
    """The user's defaults: in $XDG_CONFIG_HOME, else ~/.config."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "simclr-tui" / "config.toml"
