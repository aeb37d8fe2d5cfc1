"""`simclr sweep`: run many values of recipe fields as one experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, Config, Cpus, Nodes, Partition, Preset, Runs, Time
from simclr_tui.cli.placed import tell_pause
from simclr_tui.cli.plan_notes import print_notes
from simclr_tui.cli.recipe_options import with_sweep_flags
from simclr_tui.errors import RecipeError

if TYPE_CHECKING:
    from simclr_tui.sweep.axes import Axis
    from simclr_tui.sweep.files import SweepFile

app = typer.Typer()
SweepName = Annotated[str, typer.Argument(metavar="NAME", help="A sweep that `simclr sweep ls` lists.")]


@with_sweep_flags
def sweep(
    ctx: typer.Context,
    *,
    file: Annotated[
        str | None,
        typer.Option("--file", "-f", help="Sweep file, or one of the paper's by name: see `simclr sweep files`."),
    ] = None,
    sampler: Annotated[
        Literal["grid", "random", "tpe"],
        typer.Option("--sampler", help="grid tries every combination; tpe (Optuna) learns from trials."),
    ] = "grid",
    trials: Annotated[int, typer.Option("--trials", min=0, help="Number of trials, for random and tpe.")] = 0,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=1000, help="Runs per trial, one per seed.")] = 1,
    prune: Annotated[
        Literal["none", "median", "hyperband"], typer.Option("--prune", help="Stop trials early whose kNN lags (tpe).")
    ] = "none",
    parallel: Annotated[
        int,
        typer.Option("--parallel", min=0, help="tpe trials at a time (0: one per queue slot, 4 on Slurm)."),
    ] = 0,
    preset: Preset = "auto",
    config: Config = None,
    on: Annotated[Literal["here", "slurm"], typer.Option("--on", help="Same as in `simclr run`.")] = "here",
    partition: Partition = "",
    time: Time = "",
    cpus: Cpus = 0,
    nodes: Nodes = 0,
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="Name of the sweep (default sweep1, sweep2, …).")
    ] = None,
    priority: Annotated[int, typer.Option("--priority", help="Priority of its runs in the queue.")] = 0,
    runs: Runs = DEFAULT_RUNS,
    flags: dict[str, str],
) -> None:
    """Try many values of recipe fields; each trial is a queued run.

    A field with several values (--bs 256,512) or a range (--temp 0.1:1.0, or 0.1:1.0:log) is varied; one with a single
    value is fixed. Ranges need --sampler random or tpe, and --trials.
    """
    if ctx.invoked_subcommand is not None:
        return
    if file is None and not flags:
        if page := ctx.get_help():  # empty where Typer has printed it already
            output.drawing(page)
        return
    from simclr_tui.launch.placement import JobOptions, Queue, Slurm, choose_placement
    from simclr_tui.launch.plan import make_plan
    from simclr_tui.store.store import Store
    from simclr_tui.sweep.control import make_sweep, placement_of_sweep
    from simclr_tui.sweep.files import SweepFile, load_sweep
    from simclr_tui.sweep.folder import Sweep

    read = load_sweep(file) if file else SweepFile(title="", recipe={})
    axes, fixed = _split(read, flags)
    own_batch = any(axis.name == "bs" for axis in axes)  # then each trial is checked with its own, and no other trains
    plan = make_plan(preset, config, read.recipe | fixed, here=on == "here", trains=not own_batch)
    print_notes(plan)
    first = plan.resolved.recipe.seed
    store, options = Store(runs), JobOptions(partition=partition, time=time, cpus=cpus, nodes=nodes)
    turn = Queue(priority=priority) if on == "here" or priority else None
    placement = choose_placement(on, plan.resolved, options, queue=turn)
    wanted = Sweep(
        name=name or "",
        sampler=sampler,
        trials=trials,
        seeds=tuple(range(first, first + seeds)),
        axes=axes,
        listed=read.trials,
        published=read.published,
        published_as=read.published_as,
        title=read.title,
        prune=prune,
        seed=first,
        parallel=parallel or placement.slots(store),
        priority=priority,
        slurm=placement.resources if isinstance(placement, Slurm) else None,
    )
    made = make_sweep(store, plan.resolved, wanted, name=name)
    output.data(made.name)
    count = f"{made.trials} trials" + (f" of {seeds} seeds" if seeds > 1 else "")
    output.talk(f"{made.name}: {count}, {placement.backlog(store)}; watch it with: simclr sweep show {made.name}")
    tell_pause(placement_of_sweep(made, plan.resolved).wake(store))


app.callback(invoke_without_command=True)(sweep)


def _split(read: SweepFile, flags: dict[str, str]) -> tuple[tuple[Axis, ...], dict[str, object]]:
    """Return the varied fields and the fixed ones; a flag wins over the file's axis of the same name."""
    from simclr_tui.sweep.axes import parse_axis

    axes = {axis.name: axis for axis in read.axes}
    fixed: dict[str, object] = {}
    for key, text in flags.items():
        axis = parse_axis(key, text)
        axes.pop(axis.name, None)
        if len(axis.choices) == 1:
            fixed[key] = axis.choices[0]
        else:
            axes[axis.name] = axis
    return tuple(axes.values()), fixed


@app.command("files")
def files() -> None:
    """List the bundled sweep files: the paper's ablations."""
    from simclr_tui.sweep.files import shipped

    output.table(["--file", "question"], [[name, title] for name, title in shipped().items()])


@app.command("ls")
def ls(json: AsJson = False, runs: Runs = DEFAULT_RUNS) -> None:
    """List the sweeps in the store."""
    from simclr_tui.catalog.catalog import Catalog
    from simclr_tui.store.store import Store
    from simclr_tui.sweep.folder import SweepFolder, sweep_names
    from simclr_tui.sweep.results import best_trial, sweep_results
    from simclr_tui.sweep.words import state_words, values_words
    from simclr_tui.text import percent

    store = Store(runs)
    rows = Catalog(store).rows()
    found = []
    for name in sweep_names(store):
        about = SweepFolder(store, name).read()
        results = sweep_results(about, rows)
        best = best_trial(results)
        found.append((about, results, best))
    if json:
        return output.data_json(
            [{"name": a.name, "sampler": a.sampler, "trials": a.trials, "stopped": a.stopped,
              "best": None if b is None else b.mean} for a, _, b in found]
        )  # fmt: skip
    cells = [
        [a.name, a.sampler, str(a.trials), state_words(a, r), percent(b.mean if b else None), values_words(b), a.title]
        for a, r, b in found
    ]
    output.table(
        ["sweep", "sampler", "trials", "runs", "best kNN", "with", "about"],
        cells,
        right=[2, 4],
        drop=["about", "sampler", "with", "runs", "trials"],
    )
    return None


@app.command("show")
def show(
    name: SweepName,
    lines: Annotated[
        bool, typer.Option("--lines", help="Draw parallel coordinates with the best trials as lines.")
    ] = False,
    json: AsJson = False,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Show a sweep: its trials, the best one, how much each field matters, and kNN over each field."""
    from simclr_tui.cli.sweep_table import as_json, print_sweep
    from simclr_tui.store.store import Store
    from simclr_tui.sweep.control import sweep_rows
    from simclr_tui.sweep.folder import find_sweep

    store = Store(runs)
    about = find_sweep(store, name).read()
    rows = sweep_rows(store, about.name)
    if json:
        return output.data_json(as_json(about, rows))
    print_sweep(about, rows, lines)
    return None


@app.command("stop")
def stop(name: SweepName, runs: Runs = DEFAULT_RUNS) -> None:
    """Stop a sweep: remove its queued runs from the queue and stop the others, each with a checkpoint."""
    from simclr_tui.launch.stop import GRACE, kill, wait_until_ended
    from simclr_tui.store.store import Store
    from simclr_tui.sweep.control import stop_sweep
    from simclr_tui.sweep.folder import find_sweep

    store = Store(runs)
    folder = find_sweep(store, name)
    stopped = stop_sweep(store, folder)
    for run in stopped:
        if wait_until_ended(run, GRACE) is None:
            kill(run)
    output.talk(
        f"{folder.root.name}: {len(stopped)} runs stopped; continue with: simclr sweep resume {folder.root.name}"
    )


@app.command("resume")
def resume(name: SweepName, runs: Runs = DEFAULT_RUNS) -> None:
    """Resume a sweep: queue its missing runs; those stopped or lost continue from their checkpoints."""
    from simclr_tui.store.store import Store
    from simclr_tui.sweep.control import go_on, placement_of_sweep
    from simclr_tui.sweep.folder import find_sweep

    store = Store(runs)
    folder = find_sweep(store, name)
    output.talk(
        f"{folder.root.name}: {go_on(store, folder)} runs queued; watch it with: simclr sweep show {folder.root.name}"
    )
    tell_pause(placement_of_sweep(folder.read(), folder.base()).wake(store))


@with_sweep_flags
def extend(
    name: SweepName,
    *,
    trials: Annotated[int, typer.Option("--trials", min=0, help="Trials to add, for random and tpe.")] = 0,
    seeds: Annotated[int, typer.Option("--seeds", min=0, help="Seeds to add to each trial.")] = 0,
    runs: Runs = DEFAULT_RUNS,
    flags: dict[str, str],
) -> None:
    """Add trials, seeds or further values of a grid's fields, e.g. --temp 2.0,5.0."""
    from simclr_tui.store.store import Store
    from simclr_tui.sweep.axes import parse_axis
    from simclr_tui.sweep.control import extend_sweep, placement_of_sweep
    from simclr_tui.sweep.folder import find_sweep

    if not (trials or seeds or flags):
        raise RecipeError("nothing to add", "give --trials N, --seeds N or more values of a field")
    store = Store(runs)
    folder = find_sweep(store, name)
    last = max(folder.read().seeds)
    axes = [parse_axis(key, text) for key, text in flags.items()]
    count = extend_sweep(store, folder, trials=trials, seeds=range(last + 1, last + 1 + seeds), axes=axes)
    output.talk(f"{folder.root.name}: {count} runs queued; watch it with: simclr sweep show {folder.root.name}")
    tell_pause(placement_of_sweep(folder.read(), folder.base()).wake(store))


app.command("extend")(extend)
