"""The status line of the run under the cursor: progress, speed, time left, kNN."""

from __future__ import annotations

from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget

from simclr_tui.display.state_facts import facts
from simclr_tui.store.state import ACTIVE
from simclr_tui.text import percent, safe
from simclr_tui.tui.feed.messages import Detail
from simclr_tui.tui.runs.run_head import gpu_words
from simclr_tui.tui.runs.run_line import shortened

_AT_A_GLANCE = 5  # facts that answer what a glance asks: state, kNN, the best, the time left, the GPU
_SHORTEST = 8  # cells of a shortened name, at least


class StatusLine(Widget):
    """Show the status line; what does not fit is dropped from the right."""

    def __init__(self) -> None:
        super().__init__()
        self._detail: Detail | None = None
        self._best: float | None = None  # the best kNN accuracy to compare with
        self._error = ""
        self._work = ""

    def show(self, detail: Detail | None, best: float | None = None) -> None:
        self._detail, self._best = detail, best
        self.refresh()

    def complain(self, error: str) -> None:
        """Show an error instead, until an empty one clears it."""
        if error != self._error:
            self._error = error
            self._speak()

    def show_work(self, words: str) -> None:
        """Show the jobs under way, before the run's own line."""
        if words != self._work:
            self._work = words
            self._speak()

    def _speak(self) -> None:
        """Appear on a wide terminal too, whose head shows the run, while there is something else to say."""
        self.set_class(bool(self._error or self._work), "-speaks")
        self.refresh()

    def render(self) -> RenderResult:
        width = self.size.width
        if self._error:
            line = Text(" " + safe(self._error), style="bold red")
        elif self._detail is None or not self._detail.run:
            line = Text("")
        else:
            line = _line(self._detail, width, best=self._best)
        if self._work and not self._error:
            line = Text(f" {safe(self._work)} (X cancels) ", style="reverse").append_text(line)
        line.no_wrap = True
        line.truncate(width, overflow="ellipsis")
        return line


def _line(detail: Detail, width: int, *, best: float | None) -> Text:
    """Return the line: the name gives way to what a glance asks for, since list and tabs show it too."""
    name = Text(f" {safe(detail.run)}", style=f"bold {detail.colours[detail.run]}")
    state = detail.state
    if detail.problem or state is None:
        return name.append(f"  {safe(detail.problem) or 'its state cannot be read'}", "not bold red")
    found = facts(state)
    memory = gpu_words(detail.sample)
    if memory and state.state in ACTIVE:
        # Before epochs and steps: these come first at a glance.
        at = next((index for index, (part, _) in enumerate(found) if part.startswith("epoch ")), len(found))
        found.insert(at, (memory, "not bold default"))
    at = next((index for index, (part, _) in enumerate(found) if part.startswith("kNN ")), -1)
    tells_best = best is not None and at >= 0 and f" {percent(best)}" not in found[at][0]
    if tells_best:
        found.insert(at + 1, (f"best {percent(best)}", "not bold default"))
    needed = sum(len(part) + 2 for part, _ in found[: _AT_A_GLANCE if tells_best else _AT_A_GLANCE - 1])
    if name.cell_len + needed > width:
        room = width - needed
        name = Text(shortened(name.plain, room) if room >= _SHORTEST else "", name.style)
        if room < 0:  # the state's sign says enough
            found[0] = (found[0][0].split()[0], found[0][1])
    for part, style in found:
        if name.cell_len + len(part) + 2 <= width:
            name.append(f"  {part}", style)
    return name
