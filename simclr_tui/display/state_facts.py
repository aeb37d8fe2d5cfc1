"""Describe a run's state in words, for the dashboard's status line and for `simclr run`."""

from __future__ import annotations

from simclr_tui.display.glyphs import state_glyph
from simclr_tui.store.state import ACTIVE, State
from simclr_tui.text import duration, number, percent, safe, size

FLAG_WORDS = {
    "diverged": "diverged",
    "collapsed": "collapsed",
    "stalled": "not responding",
    "elsewhere": "on another host",
}
"""A word or two for each flag of a state."""
TROUBLED = ("failed", "lost")
"""States whose reason is told before all else."""


def facts(state: State) -> list[tuple[str, str]]:
    """Return facts about a run's state with their styles, most important first: what went wrong before kNN."""
    plain = "not bold default"
    found = [(f"{state_glyph(state.state)} {state.state}", plain)]
    found += [(FLAG_WORDS.get(flag, safe(flag)), "bold yellow") for flag in state.flags]
    active = state.state in ACTIVE
    if state.activity and active:
        found.append((safe(state.activity), plain))
    wrong = state.state in TROUBLED or (active and "elsewhere" in state.flags)
    if state.reason and wrong:
        found.append((safe(state.reason), plain))
    summary = state.summary
    if "knn" in summary:
        best = summary.get("knn_best", summary["knn"])
        also = f" (its best {percent(best)})" if best > summary["knn"] else ""
        found.append((f"kNN {percent(summary['knn'])}{also}", plain))
    if active:
        found.append((f"ETA {duration(state.eta)}", plain))
    if state.steps_per_epoch:
        epochs = state.steps // state.steps_per_epoch
        found.append((f"epoch {min(epochs, state.step // state.steps_per_epoch)}/{epochs}", plain))
    if state.reason and not active and not wrong:
        found.append((safe(state.reason), plain))
    if state.steps:
        found.append((f"step {state.step:,}/{state.steps:,}", plain))
    if active and "images_per_s" in summary:
        found.append((f"{number(round(summary['images_per_s']))} img/s", plain))
    if "rank_h" in summary:
        healthy = "" if {"collapsed", "diverged"} & set(state.flags) else " healthy"
        found.append((f"rank {summary['rank_h']:.0f}/{state.facts.get('dim', '?')}{healthy}", plain))
    if "loss" in summary:
        found.append((f"loss {number(summary['loss'])}", plain))
    found.append((f"trained {duration(state.elapsed + state.time)}", plain))
    return found


def progress_line(status: State, width: int | None = None) -> str:
    """Return `epoch 3/20  kNN 41.2%  ETA 2m10s  loss 5.12  step 57/380  812 img/s  3.1 GB`, with flags and activity.

    What does not fit into `width` is left out, from the end.
    """
    summary = status.summary
    if status.state == "queued" or not status.steps:
        return safe(status.activity or status.state)
    epochs = status.steps // max(1, status.steps_per_epoch)
    words = [f"epoch {status.step // max(1, status.steps_per_epoch)}/{epochs}"]
    if status.flags:
        words.append(f"({', '.join(FLAG_WORDS.get(flag, safe(flag)) for flag in status.flags)})")
    if "knn" in summary:
        words.append(f"kNN {percent(summary['knn'])}")
    words.append(f"ETA {duration(status.eta)}")
    if status.activity not in ("", "training"):
        words.append(safe(status.activity))
    if "loss" in summary:
        words.append(f"loss {number(summary['loss'])}")
    words.append(f"step {status.step}/{status.steps}")
    if "images_per_s" in summary:
        words.append(f"{summary['images_per_s']:,.0f} img/s")
    if "gpu_allocated" in summary:
        words.append(size(summary["gpu_allocated"]))
    while width is not None and len(words) > 1 and len("  ".join(words)) > width:
        words.pop()
    return "  ".join(words)
