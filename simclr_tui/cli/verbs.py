"""Every command, declared once: its group and summary in `simclr --help`, and the module imported to run it."""

from __future__ import annotations

from dataclasses import dataclass

_TRAIN, _INSPECT, _EXPORT, _MACHINE = "Train", "Inspect", "Export & organise", "Machine"


@dataclass(frozen=True)
class Verb:
    """Describe one command of `simclr`.

    `target` is `module:name` below `simclr_tui.cli.commands`: a function, or a Typer app with subcommands.
    `help` is the first paragraph of that target's own help; a test keeps the two equal.
    """

    name: str
    panel: str
    target: str
    help: str


VERBS: dict[str, Verb] = {
    name: Verb(name, panel, target, help)
    for name, panel, target, help in (
        ("run", _TRAIN, "run:run", "Train SimCLR in its own process and follow it."),
        ("stop", _TRAIN, "stop:stop",
         "Stop runs: each finishes its step, saves a checkpoint and exits; a queued run leaves the queue."),
        ("resume", _TRAIN, "resume:resume",
         "Resume a run from its newest checkpoint, exactly as if it had never stopped."),
        ("clone", _TRAIN, "clone:clone", "Start a new run from another run's recipe; flags change individual fields."),
        ("queue", _TRAIN, "queue:app", "List, reorder, pause and start queued runs."),
        ("sweep", _TRAIN, "sweep:app", "Try many values of recipe fields; each trial is a queued run."),
        ("tui", _INSPECT, "tui:tui",
         "Open the dashboard: start, watch, compare, stop and resume runs. Closing it stops nothing."),
        ("ls", _INSPECT, "ls:ls", "List runs with their state, progress, metrics and the recipe fields that differ."),
        ("show", _INSPECT, "show:show",
         "Show a run: state, metrics, recipe with the source of each value, checkpoints and events."),
        ("compare", _INSPECT, "compare:compare",
         "Compare runs side by side: the fields that differ, final and best metrics, and curves."),
        ("explain", _INSPECT, "explain:explain",
         "Explain a number or setting in ten lines: knn, loss, rank, uniformity, alignment, temperature."),
        ("eval", _INSPECT, "evaluate:evaluate",
         "Evaluate a run's encoder: kNN and a linear probe by default. Results are saved in the run."),
        ("logs", _INSPECT, "logs:logs", "Print a run's log, all attempts joined."),
        ("attach", _INSPECT, "attach:attach",
         "Follow a run as `simclr run` does. Ctrl-C stops it with a checkpoint; closing the terminal does not."),
        ("preview", _INSPECT, "preview:preview",
         "Draw the first training images, each beside its two augmented views."),
        ("neighbors", _INSPECT, "neighbors:neighbors",
         "Draw the images nearest to a given image, by cosine similarity of h."),
        ("export", _EXPORT, "export:export", "Export a run's encoder, its metrics, or both, for other programs."),
        ("import", _EXPORT, "import_:import_",
         "Import runs of TensorBoard, W&B, MLflow, a CSV file or another store, as read-only runs."),
        ("plot", _EXPORT, "plot:plot", "Draw metrics of runs as a figure for a paper: SVG, PDF or PNG."),
        ("report", _EXPORT, "report:report",
         "Write a report of runs, or of a sweep, as one HTML or Markdown file that needs nothing else."),
        ("embed", _EXPORT, "embed:embed",
         "Plot test images on the two principal components of h, or write h of every image to a file."),
        ("edit", _EXPORT, "edit:edit", "Edit a run's tags, note or name."),
        ("rm", _EXPORT, "rm:rm", "Move runs to the trash; `simclr trash` restores them or empties it."),
        ("trash", _EXPORT, "trash:app", "List, restore or permanently delete removed runs."),
        ("reindex", _EXPORT, "reindex:reindex",
         "Rebuild runs/catalog.db from the run folders. Nothing is lost: it is only an index."),
        ("data", _MACHINE, "data:app", "List, inspect and download data sets."),
        ("config", _MACHINE, "config:app", "Show and set your defaults: run store, theme, bell, notifications."),
        ("doctor", _MACHINE, "doctor:doctor",
         "Check the machine, the store and the terminal. Exits with 1 if anything would keep a run from starting."),
        ("bench", _MACHINE, "bench:app",
         "Benchmark this program on this machine: each figure with its spread, beside its goal."),
    )
}  # fmt: skip
