"""Where a run of the form trains: on this machine, or as a job of Slurm with the options that `simclr run` has."""

from __future__ import annotations

from typing import cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Select, Static

from simclr_tui.errors import RecipeError
from simclr_tui.launch.placement import JobOptions, Where
from simclr_tui.launch.slurm.option_help import OPTION_HELP
from simclr_tui.launch.slurm.resources import parse_time
from simclr_tui.text import safe
from simclr_tui.tui.dialogs.entry import Entry

_PLACES = (("this machine", "here"), ("a Slurm job", "slurm"))
_COUNTS = ("cpus", "nodes")


class JobRows(Vertical):
    """Show the options of a job, which count only while Slurm is chosen."""

    def compose(self) -> ComposeResult:
        with Horizontal(classes="field"):
            yield Static("train on", classes="field-label")
            choices = [(Text(words), place) for words, place in _PLACES]
            yield Select(choices, value="here", allow_blank=False, compact=True, id="job-on")
        for name, words in OPTION_HELP.items():
            with Horizontal(classes="field job-option"):
                yield Static(name, classes="field-label")
                yield Entry(placeholder="Slurm's default", id=f"job-{name}")
                yield Static(Text(words), classes="field-hint", id=f"job-{name}-hint")

    @property
    def where(self) -> Where:
        """Return where the run is to train, in the words of `--on`."""
        return cast("Where", self.query_one("#job-on", Select).value)

    @property
    def options(self) -> JobOptions:
        """Return what the job is to ask for. What cannot be read counts as empty; `problem` tells of it."""
        if self.where == "here":
            return JobOptions()
        counts = {name: int(self._text(name) or 0) for name in _COUNTS if not self._problem_of(name)}
        time = "" if self._problem_of("time") else self._text("time")
        return JobOptions(partition=self._text("partition"), time=time, **counts)

    @property
    def problem(self) -> str:
        """Return the first option that cannot be read; empty where all can."""
        return next(filter(None, map(self._problem_of, OPTION_HELP)), "") if self.where == "slurm" else ""

    def _text(self, name: str) -> str:
        return self.query_one(f"#job-{name}", Input).value.strip()

    def _problem_of(self, name: str) -> str:
        text = self._text(name)
        if name in _COUNTS and text and not (text.isascii() and text.isdigit() and len(text) < 7):
            return f"--{name} must be a whole number, not {text!r}"
        try:
            parse_time(text) if name == "time" and text else None
        except RecipeError as error:
            return str(error)
        return ""

    def on_mount(self) -> None:
        self._show_options()

    @on(Select.Changed, "#job-on")
    def _show_options(self) -> None:
        self.set_class(self.where == "here", "-here")

    @on(Input.Changed)
    def _mark_problems(self) -> None:
        for name, words in OPTION_HELP.items():
            problem = self._problem_of(name)
            row = self.query_one(f"#job-{name}", Input).parent
            if row is not None:
                row.set_class(bool(problem), "-wrong")
            self.query_one(f"#job-{name}-hint", Static).update(Text(safe(problem) or words))
