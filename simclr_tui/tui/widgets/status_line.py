"""The line about the run under the cursor: how far, how fast, how long still, how good."""

from __future__ import annotations

from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget

from simclr_tui.store.state import ACTIVE, State
from simclr_tui.text import duration, number, percent, safe
from simclr_tui.tui.look import run_colour, state_glyph
from simclr_tui.tui.snapshots import Detail

_WORDS = {"stalled": "no sign of life", "collapsed": "collapsed", "diverged": "diverged"}


class StatusLine(Widget):
    """One line; what does not fit is left out from the right."""

    def __init__(self) -> None:
        super().__init__()
        self._detail: Detail | None = None
        self._error = ""
        self._work = ""

    def show(self, detail: Detail | None) -> None:
        self._detail = detail
        self.refresh()

    def complain(self, error: str) -> None:
        """Show a sentence instead, until it is taken back with an empty one."""
        if error != self._error:
            self._error = error
            self.refresh()

    def show_work(self, words: str) -> None:
        """Say what is under way, before the run's own line."""
        if words != self._work:
            self._work = words
            self.refresh()

    def render(self) -> RenderResult:
        width = self.size.width
        if self._error:
            line = Text(" " + safe(self._error), style="bold red")
        elif self._detail is None or not self._detail.run:
            line = Text("")
        else:
            line = _line(self._detail, width)
        if self._work and not self._error:
            line = Text(f" {safe(self._work)} (X ends it) ", style="reverse").append_text(line)
        line.no_wrap = True
        line.truncate(width, overflow="ellipsis")
        return line


def _line(detail: Detail, width: int) -> Text:
    name = Text(f" {safe(detail.run)}", style=f"bold {run_colour(detail.run)}")
    state = detail.state
    if detail.problem or state is None:
        return name.append(f"  {safe(detail.problem) or 'its state cannot be read'}", "not bold red")
    for part, style in facts(state):
        if name.cell_len + len(part) + 2 <= width:
            name.append(f"  {part}", style)
    return name


def facts(state: State) -> list[tuple[str, str]]:
    """What is worth saying about a run's state, most important first, each with its style."""
    plain = "not bold default"
    found = [(f"{state_glyph(state.state)} {state.state}", plain)]
    found += [(_WORDS.get(flag, safe(flag)), "bold yellow") for flag in state.flags]
    active = state.state in ACTIVE
    if state.activity and active:
        found.append((safe(state.activity), plain))
    if state.reason and not active:
        found.append((safe(state.reason), plain))
    if state.steps_per_epoch:
        epochs = state.steps // state.steps_per_epoch
        found.append((f"epoch {min(epochs, state.step // state.steps_per_epoch)}/{epochs}", plain))
    if state.steps:
        found.append((f"step {state.step:,}/{state.steps:,}", plain))
    summary = state.summary
    if active and "images_per_s" in summary:
        found.append((f"{number(round(summary['images_per_s']))} img/s", plain))
    if active:
        found.append((f"ETA {duration(state.eta)}", plain))
    if "knn" in summary:
        best = summary.get("knn_best", summary["knn"])
        also = f" (best {percent(best)})" if best > summary["knn"] else ""
        found.append((f"kNN {percent(summary['knn'])}{also}", plain))
    if "rank_h" in summary:
        healthy = "" if {"collapsed", "diverged"} & set(state.flags) else " healthy"
        found.append((f"rank {summary['rank_h']:.0f}/{state.facts.get('dim', '?')}{healthy}", plain))
    if "loss" in summary:
        found.append((f"loss {number(summary['loss'])}", plain))
    found.append((f"trained {duration(state.elapsed + state.time)}", plain))
    return found
