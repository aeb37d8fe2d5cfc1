"""The head of the tabs: the status of the run under the cursor at a glance, in three lines."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget

from simclr_tui.catalog.references import UNEVEN
from simclr_tui.display.glyphs import draws_unicode, state_glyph, state_style
from simclr_tui.display.state_facts import FLAG_WORDS, TROUBLED
from simclr_tui.hardware.sample import HardwareSample
from simclr_tui.store.state import ACTIVE, State
from simclr_tui.text import duration, number, percent, safe
from simclr_tui.tui.feed.messages import Detail
from simclr_tui.tui.runs.second_line import bar, clock_in
from simclr_tui.tui.wrapping import cut

_BAR = 16
_GAP = 2  # cells between parts
Part = tuple[str, str]


class RunHead(Widget):
    """Three lines: state, progress, time left; kNN, its trend, the best comparable, chance; machine, speed, health."""

    def __init__(self) -> None:
        super().__init__()
        self._detail: Detail | None = None
        self._best: float | None = None  # of the runs that can be compared with this one
        self._waits = ""

    def show(self, detail: Detail | None, best: float | None = None, waits: str = "") -> None:
        """Show a run; `best` is the best comparable kNN accuracy, `waits` what a queued run waits for."""
        if (detail, best, waits) != (self._detail, self._best, self._waits):
            self._detail, self._best, self._waits = detail, best, waits
            self.refresh()

    def render(self) -> RenderResult:
        detail = self._detail
        if detail is None or not detail.run:
            return Text("")
        text = Text(no_wrap=True)
        for number_, parts in enumerate(head_lines(detail, self._best, self._waits, width=self.size.width)):
            line = Text(no_wrap=True, end="")
            for words, style in parts:
                gap = "" if not line else " " * _GAP
                if line and line.cell_len + len(gap + words) > self.size.width:
                    continue
                line.append(gap + words, style or "not bold")
            line.truncate(self.size.width, overflow="ellipsis")
            text.append("\n" if number_ else "").append_text(line)
        return text


def head_lines(detail: Detail, best: float | None = None, waits: str = "", *, width: int = 80) -> list[list[Part]]:
    """Return the three lines, each as words with their style, the most important first."""
    state = detail.state
    if detail.problem or state is None:
        return [[(safe(detail.problem) or "its state cannot be read", "bold red")], [], []]
    return [_how_far(state, waits, width), _how_good(detail, state, best, width=width), _on_what(detail.sample, state)]


def _how_far(state: State, waits: str, width: int) -> list[Part]:
    active = state.state in ACTIVE
    parts = [(f"{state_glyph(state.state)} {state.state}", f"bold {state_style(state.state).colour}".strip())]
    parts += [(FLAG_WORDS.get(flag, safe(flag)), "bold yellow") for flag in state.flags]
    if state.reason and not active:
        # Cut, if it must be, and never left out.
        parts.append((cut(safe(state.reason), _room(parts, width)), "red" if state.state in TROUBLED else ""))
    if state.state == "queued":
        return [*parts, (waits, "")] if waits else parts
    if active and state.steps:
        parts.append((f"{bar(state.progress, _BAR)} {min(99, int(100 * state.progress))}%", ""))
        if state.eta is not None:
            parts.append((f"{duration(state.eta)} left ({clock_in(state.eta)})", "bold"))
    if state.steps_per_epoch:
        epochs = state.steps // state.steps_per_epoch
        parts.append((f"epoch {min(epochs, state.step // state.steps_per_epoch)}/{epochs}", ""))
    if active and state.activity not in ("", "training"):
        parts.append((safe(state.activity), ""))
    if not active:
        parts.append((f"trained {duration(state.elapsed + state.time)}", ""))
    if state.steps:
        parts.append((f"step {state.step:,}/{state.steps:,}", "dim"))
    return parts


def _how_good(detail: Detail, state: State, best: float | None, *, width: int) -> list[Part]:
    summary = state.summary
    parts: list[Part] = []
    knn = summary.get("knn")
    if knn is not None and math.isfinite(knn):
        parts.append((f"kNN {percent(knn)}{_trend(knn, detail.knn_before)}", "bold"))
        own = summary.get("knn_best")
        if own is not None and math.isfinite(own) and own > knn:
            parts.append((f"its best {percent(own)}", ""))
    elif state.state in ACTIVE:
        parts.append(("kNN not measured yet", "dim"))
    if detail.evaluations:
        parts.append((_evaluated(detail.evaluations, _room(parts, width)), "bold"))
    if best is not None:
        parts.append((f"best comparable {percent(best)}", ""))
    classes = state.facts.get("classes")
    if isinstance(classes, int | float) and classes > 0:
        parts.append((f"chance {percent(1 / classes)}", "dim"))
        largest = state.facts.get("largest_class")
        if isinstance(largest, int | float) and largest - 1 / classes >= UNEVEN:
            parts.append((f"largest class {percent(largest)}", "dim"))
    loss = summary.get("loss")
    if loss is not None:
        parts.append((f"loss {number(loss)}", "" if math.isfinite(loss) else "bold red"))
    return parts


def _room(parts: Sequence[Part], width: int) -> int:
    """Return the cells that are left behind the parts."""
    return width - sum(cell_len(words) + _GAP for words, _ in parts)


def _evaluated(evaluations: Sequence[tuple[str, str]], room: int) -> str:
    """Return the results of `simclr eval` in whole, else their first accuracies alone, and how many have no room.

    The knn of `simclr eval` is another figure than the kNN of training, so it is said where they are from.
    """
    found = [(safe(name), safe(words)) for name, words in evaluations]
    whole = "  ".join(f"eval {name} {words}" for name, words in found)
    if cell_len(whole) <= room:
        return whole
    brief = [f"{name} {words.partition(' (')[0].partition(',')[0]}" for name, words in found]
    for count in range(len(brief), 0, -1):
        more = f" +{len(brief) - count}" if count < len(brief) else ""
        line = f"eval {', '.join(brief[:count])}{more}"
        if cell_len(line) <= room:
            return line
    return f"eval {brief[0]}"


def _trend(knn: float, before: tuple[float, float] | None) -> str:
    """Return the change of kNN in percentage points: `▲1.9 in 25 epochs`."""
    if before is None or not math.isfinite(before[0]):
        return ""
    change = 100 * (knn - before[0])
    up, down = ("▲", "▼") if draws_unicode() else ("+", "-")
    epochs = f"{before[1]:.0f} epoch{'' if round(before[1]) == 1 else 's'}"
    if abs(change) < 0.05:
        return f" unchanged in {epochs}"
    return f" {up if change > 0 else down}{abs(change):.1f} in {epochs}"


def gpu_words(sample: HardwareSample | None, *, with_load: bool = True) -> str:
    """Return `GPU0 24/85 GB 97%` of each GPU of a run; empty where it has none."""
    found = []
    for gpu in sample.gpus if sample is not None else ():
        if gpu.memory_used is not None and gpu.memory_total:
            load = f" {100 * gpu.utilization:.0f}%" if with_load and gpu.utilization is not None else ""
            found.append(f"GPU{gpu.index} {gpu.memory_used / 1e9:.0f}/{gpu.memory_total / 1e9:.0f} GB{load}")
    return "  ".join(found)


def _on_what(sample: HardwareSample | None, state: State) -> list[Part]:
    parts: list[Part] = []
    gpus = sample.gpus if sample is not None else ()
    for gpu in gpus:
        used = gpu.process_memory if gpu.process_memory is not None else gpu.memory_used
        if used is not None and gpu.memory_total:
            load = "" if gpu.utilization is None else f" · {100 * gpu.utilization:.0f}%"
            parts.append((f"GPU{gpu.index} {used / 1e9:.1f} of {gpu.memory_total / 1e9:.0f} GB{load}", ""))
    if not gpus and sample is not None and sample.ram_used is not None and sample.ram_total:
        own = "" if sample.process_rss is None else f" ({sample.process_rss / 1e9:.1f} its own)"
        parts.append((f"no GPU · RAM {sample.ram_used / 1e9:.1f}{own} of {sample.ram_total / 1e9:.0f} GB", ""))
        if sample.cpu is not None:
            parts.append((f"CPU {100 * sample.cpu:.0f}%", ""))
    speed = state.summary.get("images_per_s")
    if speed is not None and math.isfinite(speed):
        parts.append((f"{round(speed):,} img/s", ""))
    rank = state.summary.get("rank_h")
    if rank is not None:
        sound = state.state in (*ACTIVE, "finished", "stopped") and not {"collapsed", "diverged"} & set(state.flags)
        parts.append((f"rank {rank:.0f} of {state.facts.get('dim', '?')}{' healthy' if sound else ''}", ""))
    return parts
