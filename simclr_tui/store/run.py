"""One run: its recipe, present state, metrics, events and results, read from its folder."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Literal

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.errors import CheckpointError, NotFoundError, RecipeError, StoreError
from simclr_tui.paths import RunPaths
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import Resolved, from_toml
from simclr_tui.regular_file import read_small, read_small_text
from simclr_tui.store.checkpoints import Manifest, best_of, manifests
from simclr_tui.store.data_facts import with_data_moved
from simclr_tui.store.evaluations import Evaluation, read_evaluations
from simclr_tui.store.events import Event, read_events
from simclr_tui.store.metrics.downsample import Axis
from simclr_tui.store.metrics.history import History, Points
from simclr_tui.store.metrics.metric_table import CHARTED
from simclr_tui.store.state import OPEN, State, observe
from simclr_tui.store.unreadable import UNREADABLE, store_error

FORMAT = 1


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """Identify the sweep and the trial that a run belongs to. Runs of one trial differ only in their seed."""

    sweep: str
    number: int


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Describe where a read-only run comes from: an encoder, a baseline or the run of another program.

    `source` is what was given to import it, `sha256` the digest of its file; `words` say what was imported.
    """

    kind: Literal["encoder", "baseline", "import"]
    source: str
    sha256: str = ""
    words: str = ""


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the content of run.json. Tags and note belong to the user; the rest is written once."""

    format: int
    id: str
    name: str
    created: float
    version: str
    command: list[str] = []
    git_commit: str = ""
    host: str = ""
    tags: list[str] = []
    note: str = ""
    trial: Trial | None = None
    origin: Origin | None = None


class _Written(msgspec.Struct):
    """Hold the two fields of run.json that every version, past or future, can read."""

    format: int = FORMAT
    version: str = ""


class Run:
    """Read a run folder. Reading never writes to it; every property that can change is read afresh."""

    def __init__(self, root: Path) -> None:
        self.paths = RunPaths(root)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def path(self) -> Path:
        return self.paths.root

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def info(self) -> RunInfo:
        """Return the content of run.json. Raises StoreError if it is missing, damaged or of a newer format."""
        try:
            data = read_small(self.paths.info)
            written = msgspec.json.decode(data, type=_Written)
            if written.format > FORMAT:
                raise StoreError(
                    f"{self.name} was written by a newer simclr-tui ({written.version})", "upgrade simclr-tui"
                )
            return msgspec.json.decode(data, type=RunInfo)
        except UNREADABLE as error:
            message = f"{self.name} has no readable run.json: {error}"
            raise store_error(error, message, "is this a run folder?") from None

    @property
    def resolved(self) -> Resolved:
        """Return the recipe with the source of each value. Raises StoreError or RecipeError if it cannot be read."""
        try:
            resolved = from_toml(read_small_text(self.paths.recipe))
            return with_data_moved(self.path, resolved)
        except (OSError, UnicodeDecodeError) as error:
            message = f"{self.name} has no readable recipe.toml: {error}"
            raise store_error(error, message, "is this a run folder?") from None
        except RecipeError as error:
            raise RecipeError(f"{self.name}: {error.message}", error.hint) from None

    @property
    def recipe(self) -> Recipe:
        return self.resolved.recipe

    @property
    def is_partly_known(self) -> bool:
        """Return whether this is a run of another program, some of whose recipe is not known."""
        origin = self.info.origin
        return origin is not None and origin.kind == "import" and None in self.resolved.known_values().values()

    @property
    def status(self) -> State:
        """Return the whole state as it is now."""
        return observe(self.paths)

    @property
    def state(self) -> str:
        """Return the state's name: queued, starting, running, finished, stopped, failed or lost."""
        return self.status.state

    @property
    def events(self) -> list[Event]:
        return read_events(self.paths)

    @property
    def checkpoints(self) -> list[Manifest]:
        """Return the manifests of the run's checkpoints, newest first."""
        return manifests(self.paths)

    def lacks_checkpoint(self) -> CheckpointError:
        """Return the error that says what to do about a run without a checkpoint: wait, or train again."""
        if self.state in OPEN:
            return CheckpointError(
                f"{self.name} has no checkpoint yet", "wait for the first one, or simclr stop it to save one"
            )
        return CheckpointError(
            f"{self.name} has no checkpoint: it ended before one was saved", f"train it again: simclr clone {self.name}"
        )

    @property
    def best_checkpoint(self) -> Manifest | None:
        """Return the manifest of the checkpoint with the highest validation kNN; None where none was measured."""
        return best_of(self.checkpoints)

    @property
    def evaluations(self) -> list[Evaluation]:
        """Return the results of every evaluation stored in the run, with accuracies as fractions (0–1)."""
        return read_evaluations(self.paths)

    def frame(self) -> Any:
        """Return every metric as a pandas DataFrame, one row per step; units are those of docs/reference.md.

        A metric that was not logged is NaN. Raises SimclrError without pandas.
        """
        from simclr_tui.store.export.frame import history_frame

        return history_frame(self.history())

    def plot(self, *metrics: str, x: Axis = "step") -> Any:
        """Return a matplotlib Figure with one panel per metric (default: those drawn by default that were logged).

        `x` is `step`, `epoch` or `time` (s). Shares are drawn in percent. Raises NotFoundError for a metric that was
        never logged, SimclrError without matplotlib.
        """
        from simclr_tui.store.export.figure import Series, draw_figure

        history = self.history()
        chosen = metrics or tuple(name for name in CHARTED if name in history.columns) or CHARTED
        return draw_figure([Series(self.name, [history])], chosen, x)

    def history(self) -> History:
        """Return all metrics written so far; poll the history again for more."""
        history = History(self.paths)
        history.poll()
        return history

    def metric(self, name: str) -> Points:
        """Return the steps and values of one metric over all attempts. Raises NotFoundError if it was never logged."""
        history = self.history()
        if name not in history.columns:
            known = ", ".join(sorted(history.columns)) or "none yet"
            raise NotFoundError(f"{self.name} has no metric {name!r}", f"it has: {known}")
        return history.points(name)

    def log_files(self) -> list[Path]:
        """Return the output log of every attempt, oldest first."""
        return [attempt.log for attempt in self.paths.attempts() if attempt.log.exists()]

    def write_info(self, info: RunInfo) -> None:
        """Replace run.json whole, but keep the fields that a newer version added."""
        known: dict[str, Any] = {}
        with contextlib.suppress(*UNREADABLE):
            known = msgspec.json.decode(read_small(self.paths.info), type=dict[str, Any])
        written = msgspec.json.encode(known | msgspec.to_builtins(info))
        write_file(self.paths.info, msgspec.json.format(written, indent=2))
