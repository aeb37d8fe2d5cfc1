"""Every verb, declared: its place and its words in `simclr --help`, and the module that is imported to run it."""

from __future__ import annotations

from dataclasses import dataclass

_TRAIN, _LOOK, _KEEP, _MACHINE = "Train", "Look", "Keep", "Machine"


@dataclass(frozen=True)
class Verb:
    """`target` is `module:name` below `simclr_tui.cli.commands`: a function, or a Typer app of verbs of its own.

    `help` is the first paragraph of what that says about itself; a test holds them together.
    """

    name: str
    panel: str
    target: str
    help: str


VERBS: dict[str, Verb] = {
    name: Verb(name, panel, target, help)
    for name, panel, target, help in (
        ("run", _TRAIN, "run:run", "Train SimCLR in a process of its own, and follow it."),
        ("stop", _TRAIN, "stop:stop",
         "Stop runs: each finishes its step, saves a checkpoint and ends; a queued one leaves the queue."),
        ("resume", _TRAIN, "resume:resume",
         "Go on from the newest checkpoint, exactly: the result is that of a run that never stopped."),
        ("clone", _TRAIN, "clone:clone", "Start a new run with another one's recipe; flags change single fields."),
        ("queue", _TRAIN, "queue:app", "List, order, pause and start the runs that wait for a place."),
        ("sweep", _TRAIN, "sweep:app", "Try many values of the recipe's fields; each trial is a queued run."),
        ("tui", _LOOK, "tui:tui",
         "Open the dashboard: start, watch, compare, stop and resume runs. Closing it stops nothing."),
        ("ls", _LOOK, "ls:ls", "List runs with their state, the fields in which they differ, progress and figures."),
        ("show", _LOOK, "show:show",
         "Show a run: state, figures, recipe with the source of each value, checkpoints and events."),
        ("compare", _LOOK, "compare:compare",
         "Set runs side by side: the fields that differ, final and best figures, and their curves."),
        ("eval", _LOOK, "evaluate:evaluate",
         "Evaluate a run's encoder: kNN and a linear probe, or what the flags name. Results are kept in the run."),
        ("logs", _LOOK, "logs:logs", "Print a run's log, all attempts joined."),
        ("attach", _LOOK, "attach:attach",
         "Follow a run as `simclr run` does. Ctrl-C stops it with a checkpoint; closing the terminal does not."),
        ("preview", _LOOK, "preview:preview",
         "Draw the first images that a run would see: each beside the two views that its encoder would be shown."),
        ("neighbors", _LOOK, "neighbors:neighbors",
         "Draw the images nearest to one image, by the cosine of h under the run's newest checkpoint."),
        ("export", _KEEP, "export:export", "Write a run's encoder, its metrics, or both, for other programs."),
        ("embed", _KEEP, "embed:embed",
         "Draw test images on the two principal components of h, or write h of every image into a file."),
        ("edit", _KEEP, "edit:edit", "Change a run's tags, note or name."),
        ("rm", _KEEP, "rm:rm", "Move runs into the trash of the store; `simclr trash` restores and empties it."),
        ("trash", _KEEP, "trash:app", "List, restore or delete removed runs."),
        ("reindex", _KEEP, "reindex:reindex",
         "Build runs/catalog.db anew from the run folders. Nothing is lost: it is only an index."),
        ("data", _MACHINE, "data:app", "List and fetch data sets."),
        ("config", _MACHINE, "config:app", "Show and set defaults: run store, theme, bell, notify."),
        ("doctor", _MACHINE, "doctor:doctor",
         "Look at the machine, the store and the terminal. Exit code 1 when something would stop a run."),
        ("bench", _MACHINE, "bench:app",
         "Measure this program on this machine: each figure with its spread, beside its goal."),
    )
}  # fmt: skip
