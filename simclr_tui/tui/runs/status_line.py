"""The status line of the run under the cursor: progress, speed, time left, kNN."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget

from simclr_tui.display.state_facts import TROUBLED, facts
from simclr_tui.store.state import ACTIVE, State
from simclr_tui.text import percent, safe
from simclr_tui.tui.feed.messages import Detail
from simclr_tui.tui.runs.run_head import gpu_words
from simclr_tui.tui.runs.run_line import shortened
from simclr_tui.tui.wrapping import cut

_NAME = (8, 6)  # cells of a shortened name, at least, in full and in brief
_GAP = 2  # cells between facts
_HALFWAY = ("stopped", "lost")  # states of a run that ended before its last step, and nothing went wrong in it
_REASON = 24  # cells of a shortened reason, at least


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
    """Return the line: what a glance asks for comes first, and the name is shortened before any of it is left out."""
    style, name = f"bold {detail.colours[detail.run]}", safe(detail.run)
    state = detail.state
    if detail.problem or state is None:
        return Text(f" {name}", style).append(f"  {safe(detail.problem) or 'its state cannot be read'}", "not bold red")
    for briefly in (False, True):  # the state's sign alone says enough, and a GPU's memory without its load
        parts, asked = _parts(detail, state, best, briefly=briefly)
        room = width - 1 - sum(min(cell_len(words), _REASON) + _GAP for words, _ in parts[:asked])
        if room >= min(cell_len(name), _NAME[briefly]):
            break
    line = Text(f" {shortened(name, max(_NAME[True], min(room, cell_len(name))))}".rstrip(), style)
    reason = safe(state.reason) if state.state in TROUBLED else ""
    for index, (words, part_style) in enumerate(parts):
        left = width - line.cell_len - _GAP
        if words == reason:
            after = sum(cell_len(later) + _GAP for later, _ in parts[index + 1 : asked])
            words = cut(words, min(left, max(left - after, _REASON)))
        if cell_len(words) <= left:
            line.append(" " * _GAP + words, part_style)
    return line


def _parts(detail: Detail, state: State, best: float | None, *, briefly: bool) -> tuple[list[tuple[str, str]], int]:
    """Return the facts with the GPU's and the best kNN accuracy among them, and how many a glance asks for."""
    found = facts(state)
    if briefly:
        found[0] = (found[0][0].split()[0], found[0][1])
    asked = next((index for index, (words, _) in enumerate(found) if words.startswith("epoch ")), len(found))
    at = next((index for index, (words, _) in enumerate(found) if words.startswith("kNN ")), -1)
    if best is not None and at >= 0 and f" {percent(best)}" not in found[at][0]:
        found.insert(at + 1, (f"best {percent(best)}", "not bold default"))
        asked += 1
    if state.state in _HALFWAY and asked < len(found):
        asked += 1  # how far it came
    memory = gpu_words(detail.sample, with_load=not briefly)
    if memory and state.state in ACTIVE:
        found.insert(asked, (memory, "not bold default"))
        asked += 1
    return found, asked
