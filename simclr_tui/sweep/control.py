"""Make, stop, resume and extend a sweep. Its trials are ordinary queued runs under the sweep's tag."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from simclr_tui.atomic import Lock, is_locked
from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.row import Row, read_row
from simclr_tui.errors import RecipeError, SimclrError, StoreError, UnansweredError
from simclr_tui.interpreter import extra_command
from simclr_tui.launch.detached import start_detached
from simclr_tui.launch.metadata import Metadata
from simclr_tui.launch.placement import Placement, Queue, Slurm, refresh
from simclr_tui.launch.plan import Plan, asked_gpus, plan_variant
from simclr_tui.launch.stop import request_stop
from simclr_tui.recipe.resolve import Resolved
from simclr_tui.store.run import Run, Trial
from simclr_tui.store.state import OPEN
from simclr_tui.store.store import Store
from simclr_tui.sweep.axes import Axis, Values, draw, grid
from simclr_tui.sweep.folder import Sweep, SweepFolder, claim_sweep
from simclr_tui.sweep.results import PRUNED

_LEFT_WITHIN = 5.0  # seconds within which a sampler notices that its sweep is stopped


def make_sweep(store: Store, base: Resolved, sweep: Sweep, *, name: str | None = None) -> Sweep:
    """Check every trial known in advance, store the sweep, and queue its runs.

    Raises SimclrError, and then leaves nothing behind.
    """
    sweep = _with_trials(sweep)
    _check(base, sweep)
    folder = claim_sweep(store, name)
    sweep = msgspec.structs.replace(sweep, name=folder.root.name)
    try:
        folder.write_base(base)
        folder.write(sweep)
    except StoreError:
        shutil.rmtree(folder.root, ignore_errors=True)
        raise
    finally:
        folder.claim_lock.release()  # or its name stays taken as long as this process, such as the dashboard, lives
    go_on(store, folder)
    return sweep


def _with_trials(sweep: Sweep) -> Sweep:
    if sweep.sampler == "grid":
        listed = sweep.listed + (tuple(grid(sweep.axes)) if sweep.axes else ())
        return msgspec.structs.replace(sweep, listed=listed, trials=len(listed))
    if sweep.listed:
        raise RecipeError("a sweep file that lists its trials has nothing to sample", "leave out --sampler")
    if not sweep.axes:
        raise RecipeError("a sweep needs a field to vary", "for example --temp 0.1:1.0:log --bs 256,512")
    if sweep.trials < 1:
        raise RecipeError(f"--sampler {sweep.sampler} needs --trials", "for example --trials 20")
    return sweep


def _check(base: Resolved, sweep: Sweep) -> None:
    placement_of_sweep(sweep, base).check(base.recipe)
    if not sweep.trials:
        raise RecipeError("a sweep needs a field to vary", "for example --temp 0.1,0.5,1.0 --bs 256,512")
    if sweep.sampler == "tpe":
        _require_optuna()
        if not base.recipe.knn_every:
            raise RecipeError("tpe learns from kNN, and --knn-every 0 never measures it", "give --knn-every 1")
    if sweep.prune != "none" and (sweep.sampler != "tpe" or len(sweep.seeds) > 1):
        raise RecipeError(f"--prune {sweep.prune} judges single runs that tpe proposes", "give --sampler tpe --seeds 1")
    for number in range(known_trials(sweep)):
        plan = plan_trial(base, sweep, values_of(sweep, number), seed=sweep.seeds[0])
        placement_of_sweep(sweep, plan.resolved).check(plan.resolved.recipe)


def _require_optuna() -> None:
    import importlib.util

    if importlib.util.find_spec("optuna") is None:
        raise RecipeError("--sampler tpe needs Optuna", f"{extra_command('sweep')}, or give --sampler random")


class KnownTrial(NamedTuple):
    """Hold a trial's number and the values it gives the varied fields."""

    number: int
    values: Values


def known_trials(sweep: Sweep) -> int:
    """Return how many trials do not depend on the results of others."""
    return 0 if sweep.sampler == "tpe" else sweep.trials


def values_of(sweep: Sweep, number: int) -> Values:
    """Return the values of a trial of a grid or of the random sampler."""
    return sweep.listed[number] if sweep.sampler == "grid" else draw(sweep.axes, sweep.seed, number)


def plan_trial(base: Resolved, sweep: Sweep, values: Values, *, seed: int) -> Plan:
    """Plan one run of a trial. Raises RecipeError or DataError where its fields conflict."""
    sources = {"base_source": f"sweep {sweep.name}", "flag_source": f"trial of sweep {sweep.name}"}
    by_hand = [key for key, source in base.sources.items() if source == "flag" or source.startswith("file ")]
    return plan_variant(base, values | {"seed": seed}, here=sweep.slurm is None, by_hand=by_hand, **sources)


def placement_of_sweep(sweep: Sweep, trial: Resolved) -> Placement:
    """Return where a trial trains: in this machine's queue, or as a Slurm job.

    All jobs of a sweep ask for the same resources, except for the GPUs where the sweep varies those.
    """
    if sweep.slurm is None:
        return Queue(priority=sweep.priority)
    gpus = asked_gpus(trial) if "gpus" in sweep.varied else sweep.slurm.gpus
    return Slurm(msgspec.structs.replace(sweep.slurm, gpus=gpus))


def sweep_rows(store: Store, name: str) -> list[Row]:
    """Return the catalog's current rows of the sweep's runs. Raises UnansweredError as `of_sweep` does."""
    refresh(store)
    return of_sweep(store, Catalog(store).rows(), name)


def of_sweep(store: Store, rows: Sequence[Row], name: str) -> list[Row]:
    """Return the rows of the sweep's runs.

    Raises UnansweredError while a run of the store cannot be read: it may be the sweep's, and would be queued twice.
    """
    for row in rows:
        if row["error"]:
            _refuse_unanswered(store.run(row["name"]))
    return [row for row in rows if row["sweep"] == name]


def _refuse_unanswered(run: Run) -> None:
    """Raise UnansweredError unless the run is damaged for good."""
    try:
        read_row(run)
    except SimclrError as error:
        if isinstance(error, UnansweredError) and error.may_pass:
            raise
        return
    raise UnansweredError(f"{run.name} could not be read a moment ago", "try again")


def go_on(store: Store, folder: SweepFolder) -> int:
    """Queue the runs that the sweep lacks, and start its adaptive sampler. Returns how many runs were queued.

    These are runs not made yet and those that were stopped or lost. Raises StoreError while another process does so.
    """
    if is_locked(folder.lock) and not folder.read().stopped:
        return 0  # its sampler is at work
    with adding(folder):
        sweep = msgspec.structs.replace(folder.read(), stopped=False)
        folder.write(sweep)
        rows = sweep_rows(store, sweep.name)
        count = _requeue(store, sweep, rows)
        base, there = folder.base(), seeds_of_trials(rows)
        trials = (KnownTrial(number, values_of(sweep, number)) for number in range(known_trials(sweep)))
        count += queue_trials(store, base, sweep, trials=trials, there=there)
    if sweep.sampler == "tpe":
        start_sampler(store, folder)
    if count:
        placement_of_sweep(sweep, base).wake(store)
    return count


@contextlib.contextmanager
def adding(folder: SweepFolder) -> Iterator[None]:
    """Hold the sweep's lock: only one process at a time adds runs, or each would add the same. Raises StoreError."""
    lock = Lock(folder.lock)
    try:
        held = lock.acquire(wait=_LEFT_WITHIN)
    except OSError as error:
        raise StoreError(f"cannot write {folder.root}: {error.strerror}", "see simclr doctor") from None
    if not held:
        raise StoreError(f"{folder.root.name} is being added to", "see simclr sweep show, or stop it first")
    try:
        yield
    finally:
        lock.release()


def seeds_of_trials(rows: Sequence[Row]) -> dict[int, set[int]]:
    """Return, by the trial's number, the seeds that have runs."""
    found: dict[int, set[int]] = {}
    for row in rows:
        found.setdefault(row["trial"], set()).add(row["seed"])
    return found


def queue_trials(
    store: Store, base: Resolved, sweep: Sweep, *, trials: Iterable[KnownTrial], there: Mapping[int, Collection[int]]
) -> int:
    """Queue the runs of trials, one for each seed that is not `there` yet. Returns how many. Raises SimclrError."""
    missing = ((trial, seed) for trial in trials for seed in sweep.seeds if seed not in there.get(trial.number, ()))
    new = (_run_of(base, sweep, trial, seed=seed) for trial, seed in missing)
    placed = itertools.groupby(new, key=lambda one: placement_of_sweep(sweep, one[0].resolved))
    return sum(1 for placement, those in placed for _ in placement.submit_all(store, those))


def _run_of(base: Resolved, sweep: Sweep, trial: KnownTrial, *, seed: int) -> tuple[Plan, Metadata]:
    command = ("simclr", "sweep", "resume", sweep.name)
    metadata = Metadata(tags=(sweep.tag,), command=command, trial=Trial(sweep=sweep.name, number=trial.number))
    return plan_trial(base, sweep, trial.values, seed=seed), metadata


def _requeue(store: Store, sweep: Sweep, rows: Sequence[Row]) -> int:
    again = [row for row in rows if row["state"] in ("stopped", "lost") and PRUNED not in (row["tags"] or "")]
    runs = (store.run(row["name"]) for row in again)
    placed = itertools.groupby(runs, key=lambda run: placement_of_sweep(sweep, run.resolved))
    return sum(1 for placement, those in placed for _ in placement.requeue_all(those))


def stop_sweep(store: Store, folder: SweepFolder) -> list[Run]:
    """Take waiting runs out of the queue, and ask running ones to stop with a checkpoint. Returns them all."""
    folder.write(msgspec.structs.replace(folder.read(), stopped=True))
    rows = [row for row in sweep_rows(store, folder.root.name) if row["state"] in OPEN]
    rows.sort(key=lambda row: row["state"] != "queued")  # waiting runs first: a stop frees a slot
    runs = [store.run(row["name"]) for row in rows]
    for run in runs:
        with contextlib.suppress(StoreError):  # it may have ended by itself at this moment
            request_stop(run, who=f"the stop of {folder.root.name}")
    return runs


def extend_sweep(
    store: Store, folder: SweepFolder, *, trials: int = 0, seeds: Sequence[int] = (), axes: Sequence[Axis] = ()
) -> int:
    """Add trials of a sampler, seeds, or values of a grid's fields. Returns how many runs were queued.

    Raises RecipeError for an extension that the sweep's sampler does not allow.
    """
    old = folder.read()
    if (trials and old.sampler == "grid") or (axes and old.sampler != "grid"):
        raise RecipeError(f"{old.name} is a {old.sampler} sweep", "a grid takes more values, a sampler more --trials")
    changes: dict[str, Any] = {"trials": old.trials + trials}
    if seeds:
        changes["seeds"] = tuple(dict.fromkeys([*old.seeds, *seeds]))
    if axes:
        changes |= _more_values(old, axes)
    sweep = msgspec.structs.replace(old, **changes)
    _check(folder.base(), sweep)
    folder.write(sweep)
    return go_on(store, folder)


def _more_values(sweep: Sweep, axes: Sequence[Axis]) -> Mapping[str, Any]:
    """Return the fields of the sweep with more choices; existing trials keep their numbers."""
    known = {axis.name: axis for axis in sweep.axes}
    for axis in axes:
        if axis.name not in known:
            raise RecipeError(f"{sweep.name} does not vary --{axis.name}", f"it varies {', '.join(known)}")
        choices = tuple(dict.fromkeys([*known[axis.name].choices, *axis.choices]))
        known[axis.name] = msgspec.structs.replace(axis, choices=choices)
    merged = tuple(known.values())
    there = {frozenset(values.items()) for values in sweep.listed}
    listed = sweep.listed + tuple(values for values in grid(merged) if frozenset(values.items()) not in there)
    return {"axes": merged, "listed": listed, "trials": len(listed)}


def start_sampler(store: Store, folder: SweepFolder) -> None:
    """Start the process that asks Optuna for trials, unless it is already at work. It ends with the sweep."""
    if is_locked(folder.lock):
        return
    words = (str(store.root.absolute()), folder.root.name)
    start_detached("simclr_tui.sweep.driver", *words, log=folder.log, folder=store.root)
