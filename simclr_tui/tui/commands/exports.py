"""What can be exported from the dashboard: each kind by the name of its file, through the function of its command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simclr_tui.errors import CancelledError, RecipeError
from simclr_tui.launch.tasks import ENCODER_SUFFIXES, export_encoder
from simclr_tui.report.comparison_table import LATEX_SUFFIXES, write_latex
from simclr_tui.report.figure import check_figure, write_figure
from simclr_tui.report.figure_choice import FigureChoice, complete_choice, offered, parse_choice, usual_choice
from simclr_tui.report.write import SUFFIXES as REPORT_SUFFIXES
from simclr_tui.report.write import write_report
from simclr_tui.store.export.figure import FIGURE_SUFFIXES
from simclr_tui.store.export.metrics import SUFFIXES as METRIC_SUFFIXES
from simclr_tui.store.export.metrics import export_metrics
from simclr_tui.store.export.target import check_target
from simclr_tui.store.run import Run
from simclr_tui.store.task_replies import Written
from simclr_tui.text import size
from simclr_tui.tui.jobs import Job

_NAMED = 4  # runs that are named one by one


@dataclass(frozen=True)
class Kind:
    """Declare one kind of export: `write` does it and returns what was written; `check` says before why it cannot be
    done.

    With `of_marked` it is made of the marked runs, otherwise of the run under the cursor.
    """

    name: str
    suffixes: tuple[str, ...]
    write: Callable[[Sequence[Run], Path, Job], str]
    of_marked: bool = False
    about: str = ""
    check: Callable[[Sequence[Run], Path], None] = lambda runs, target: None


def _encoder(runs: Sequence[Run], target: Path, job: Job) -> str:
    written = export_encoder(runs[0], target, quiet=True, cancel=job.cancel)
    return f"{_written(written)}; how to load it: {written.files[1]}"


def _metrics(runs: Sequence[Run], target: Path, job: Job) -> str:
    return _written(export_metrics(runs[0], str(target)))


def _figure(runs: Sequence[Run], target: Path, job: Job, *, choice: FigureChoice | None = None) -> str:
    remarks = write_figure(runs, target, choice)
    return "; ".join([_wrote(target, "a figure", runs), *remarks])


def _report(runs: Sequence[Run], target: Path, job: Job) -> str:
    from simclr_tui.report.make import make_report  # most of the report's import time, off the dashboard's start

    report = make_report(runs, cancel=job.cancel)
    if job.cancel.requested:
        raise CancelledError("cancelled")
    write_report(report, target)
    return _wrote(target, "a report", runs)


def _table(runs: Sequence[Run], target: Path, job: Job) -> str:
    write_latex(runs, target)
    return _wrote(target, "a LaTeX table", runs)


def _written(written: Written) -> str:
    return f"wrote {written.files[0]}: {written.content} ({size(written.bytes)})"


def _wrote(target: Path, what: str, runs: Sequence[Run]) -> str:
    return f"wrote {target}: {what} of {_names(runs)} ({size(target.stat().st_size)})"


def _names(runs: Sequence[Run]) -> str:
    named = ", ".join(run.name for run in runs[:_NAMED])
    return named + (f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else "")


def _check_figure(runs: Sequence[Run], target: Path) -> None:
    check_figure(target)


def _check_table(runs: Sequence[Run], target: Path) -> None:
    if len(runs) < 2:
        raise RecipeError("a LaTeX table compares at least two runs", "leave with esc, and mark runs with space")


KINDS = (
    Kind("encoder", ENCODER_SUFFIXES, _encoder, about="from the newest checkpoint"),
    Kind("metrics", METRIC_SUFFIXES, _metrics),
    Kind("figure", FIGURE_SUFFIXES, _figure, of_marked=True, check=_check_figure),
    Kind("report", REPORT_SUFFIXES, _report, of_marked=True, about="with images of the first run's data"),
    Kind("LaTeX table", LATEX_SUFFIXES, _table, of_marked=True, check=_check_table),
)
_SUFFIXES = tuple(suffix for kind in KINDS for suffix in kind.suffixes)


@dataclass(frozen=True)
class Exports:
    """Offer what can be exported of the run under the cursor and of the runs that would be compared."""

    run: Run
    compared: Sequence[Run]

    @property
    def offered(self) -> str:
        """Return a line per kind with its endings."""
        return "\n".join(f"{kind.name:<12} {' '.join(kind.suffixes):<22} of {self._counted(kind)}" for kind in KINDS)

    def _counted(self, kind: Kind) -> str:
        count = len(self._runs(kind))
        return "this run" if count == 1 else f"{count} runs"

    def _of(self, kind: Kind) -> str:
        return f"of {_names(self._runs(kind))}"

    def _runs(self, kind: Kind) -> Sequence[Run]:
        return self.compared if kind.of_marked else [self.run]

    def names(self, target: Path) -> str:
        """Return the names of the runs that go into the file."""
        return _names(self._runs(_kind(target)))

    def words(self, text: str) -> str:
        """Say what would be written where. Raises SimclrError if it cannot be."""
        target = Path(text).expanduser()
        check_target(target, _SUFFIXES, "export")
        kind = _kind(target)
        kind.check(self._runs(kind), target)
        about = f" {kind.about}" if kind.about else ""
        replaced = "; replaces the file that is there" if target.exists() else ""
        return f"the {kind.name} {self._of(kind)}{about}, into {target.absolute()}{replaced}"

    def is_figure(self, target: Path) -> bool:
        """Return whether the file becomes a figure, which can show one thing or another."""
        return target.suffix in FIGURE_SUFFIXES

    @property
    def usual_figure(self) -> str:
        """Return the options of a figure that are offered first."""
        return usual_choice(self.compared)

    @property
    def figure_offered(self) -> str:
        """Return a line per option of a figure with its values."""
        return offered(self.compared)

    def figure_words(self, text: str) -> str:
        """Say what a figure with these options would show. Raises RecipeError."""
        return f"{parse_choice(text).words}; of {_names(self.compared)}"

    def complete_figure(self, text: str) -> Sequence[str]:
        """Return the options that could be meant."""
        return complete_choice(text, self.compared)

    def draw(self, target: Path, text: str, job: Job) -> str:
        """Write a figure with these options, off the screen's thread. Returns as `write` does."""
        return _figure(self.compared, target, job, choice=parse_choice(text))

    def write(self, target: Path, job: Job) -> str:
        """Write the file, off the screen's thread. Returns what was written; raises SimclrError."""
        kind = _kind(target)
        return kind.write(self._runs(kind), target, job)


def _kind(target: Path) -> Kind:
    """Return the kind of export whose files end so, of which there is one: see `check_target`."""
    return next(kind for kind in KINDS if target.suffix in kind.suffixes)
