"""The top line: the store, the number of runs in each state, and the machine's current load."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget

from simclr_tui.display.glyphs import draws_unicode, state_glyph
from simclr_tui.hardware.sample import GpuSample
from simclr_tui.store.state import STATES
from simclr_tui.text import safe
from simclr_tui.tui.feed.messages import Listing, Machine

_BAR = 4


class Header(Widget):
    """Show the header, one line; what does not fit is dropped from the right."""

    def __init__(self, root: Path, readonly: bool = False) -> None:
        super().__init__()
        self._readonly = readonly
        self._store = safe(_short(root))
        self._counts: tuple[tuple[str, int], ...] = ()
        self._problem = ""
        self._paused = ""
        self._machine = ""

    def show_runs(self, listing: Listing) -> None:
        counted = Counter(row["state"] for row in listing.rows)
        counts = tuple((state, counted[state]) for state in STATES if counted[state])
        if (counts, listing.problem, listing.paused) != (self._counts, self._problem, self._paused):
            self._counts, self._problem, self._paused = counts, listing.problem, listing.paused
            self.refresh()

    def show_machine(self, machine: Machine) -> None:
        line = machine_line(machine)
        if line != self._machine:
            self._machine = line
            self.refresh()

    def render(self) -> RenderResult:
        width = self.size.width
        left, right = Text(" simclr", style="bold", no_wrap=True, end=""), Text(f"{self._machine} ", style="not bold")
        if self._readonly:
            left.append("  read-only", "bold yellow")
        store = Text(f"  {self._store}", style="not bold dim")
        middle = self._middle(width - left.cell_len - right.cell_len - 6)
        taken = left.cell_len + middle.cell_len + 4
        if taken + right.cell_len > width:
            right = Text("")
        if taken + right.cell_len + store.cell_len <= width:
            left.append_text(store)
        room = width - left.cell_len - middle.cell_len - right.cell_len
        gap = max(2, room // 2)
        left.append(" " * gap).append_text(middle).append(" " * max(0, room - gap)).append_text(right)
        left.truncate(width)
        return left

    def _middle(self, room: int) -> Text:
        """Return the problem, or the counts: with every state's word if there is room, else only the active ones'."""
        if self._problem:
            return Text(safe(self._problem), style="bold red")
        if not self._counts:
            return Text("no runs yet", style="not bold")
        paused = Text("  queue paused (Q)", "bold yellow") if self._paused else Text("")
        for worded in (STATES, STATES[:3], ()):
            line = Text("  ".join(self._count(*pair, worded=pair[0] in worded) for pair in self._counts), "not bold")
            line.append_text(paused)
            if line.cell_len <= room:
                return line
        return line

    def _count(self, state: str, count: int, worded: bool) -> str:
        return f"{state_glyph(state)} {count:,}{' ' + state if worded else ''}"


def machine_line(machine: Machine) -> str:
    """Return `GPU0 ▇▇▇▁ 61.2/85.0 GB 97% 64°C` for each GPU, or CPU and RAM where there is none."""
    sample = machine.sample
    if not sample.gpus:
        cpu = None if sample.cpu is None else f"CPU {100 * sample.cpu:3.0f}%"
        return "  ".join(part for part in (cpu, _memory("RAM ", sample.ram_used, sample.ram_total)) if part)
    return "   ".join(_gpu(gpu) for gpu in sample.gpus)


def _gpu(gpu: GpuSample) -> str:
    parts = [_memory(f"GPU{gpu.index} ", gpu.memory_used, gpu.memory_total) or f"GPU{gpu.index} memory n/a"]
    if gpu.utilization is not None:
        parts.append(f"{100 * gpu.utilization:.0f}%")
    if gpu.temperature is not None:
        parts.append(f"{gpu.temperature:.0f}°C")
    if gpu.power is not None:
        parts.append(f"{gpu.power:.0f} W")
    return " ".join(parts)


def _memory(title: str, used: int | None, total: int | None) -> str:
    if used is None or not total:
        return ""
    full = round(_BAR * used / total)
    bar = ("▇" * full + "▁" * (_BAR - full)) if draws_unicode() else ("#" * full + "." * (_BAR - full))
    return f"{title}{bar} {used / 1e9:.1f}/{total / 1e9:.1f} GB"


def _short(root: Path) -> str:
    """Return a path with ~ for the home folder, and only the end of a long one."""
    path = str(root.absolute())
    home = str(Path.home())
    if path == home or path.startswith(home.rstrip("/") + "/"):
        path = "~" + path[len(home.rstrip("/")) :]
    return path if cell_len(path) <= 40 else "…" + path[-39:]
