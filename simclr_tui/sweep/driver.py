"""The process behind an adaptive sweep: `python -m simclr_tui.sweep.driver STORE SWEEP`.

It asks Optuna for a trial whenever too few are under way, queues the trial's runs, and reports their results to
Optuna. Its whole state is in the sweep's folder and the runs, so it may be killed at any moment; `sweep resume` starts
another.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from pathlib import Path

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.row import Row
from simclr_tui.errors import ExitCode, SimclrError, StoreError, UnansweredError
from simclr_tui.launch.placement import refresh
from simclr_tui.launch.stop import request_stop
from simclr_tui.store.labels import edit_run
from simclr_tui.store.state import OPEN
from simclr_tui.store.store import Store
from simclr_tui.sweep.control import KnownTrial, adding, of_sweep, placement_of_sweep, queue_trials, seeds_of_trials
from simclr_tui.sweep.folder import Sweep, SweepFolder
from simclr_tui.sweep.optuna_study import Study
from simclr_tui.sweep.results import PRUNED, other_images_than, trial_score

_NOT_LEARNED = (
    "is not learned from: its kNN is of other held-out images than that of the trials before; for a search over the"
    " images that there are now, start another sweep"
)
_TICK = 1.0  # seconds between two passes


def main(root: str, name: str) -> int:
    """Sample until the sweep has all its trials, or is stopped."""
    store = Store(Path(root))
    folder = SweepFolder(store, name)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with adding(folder):
            _sample(store, folder)
    except SimclrError as error:
        print(error, flush=True)
        return error.exit_code
    return ExitCode.OK


def _sample(store: Store, folder: SweepFolder) -> None:
    study = Study(folder.journal, folder.read())
    catalog, said = Catalog(store), ""
    while not (sweep := folder.read()).stopped:
        refresh(store)
        try:
            rows = of_sweep(store, catalog.rows(), sweep.name)
        except UnansweredError as error:
            if str(error) != said:
                print(error, flush=True)
            said = str(error)
            time.sleep(_TICK)
            continue
        if folder.read().stopped:  # set before the runs are stopped: such an end is not the trials' result
            return
        for number in study.open():
            _look(store, study, sweep, number=number, rows=rows)
        while len(study.open()) < sweep.parallel and study.asked() < sweep.trials:
            study.ask()
        if not study.open():
            return
        _queue(store, folder, study, sweep=sweep, rows=rows)
        time.sleep(_TICK)


def _queue(store: Store, folder: SweepFolder, study: Study, *, sweep: Sweep, rows: list[Row]) -> None:
    """Queue the missing runs of open trials, including those of a driver killed between asking and queueing."""
    base, there, queued = folder.base(), seeds_of_trials(rows), 0
    for number, values in study.open().items():
        try:
            queued += queue_trials(store, base, sweep, trials=[KnownTrial(number, values)], there=there)
        except SimclrError as error:
            print(f"trial {number} is impossible: {error}", flush=True)
            study.tell(number, None)
    if queued:
        placement_of_sweep(sweep, base).wake(store)


def _look(store: Store, study: Study, sweep: Sweep, *, number: int, rows: list[Row]) -> None:
    """Report a trial's result to the study; prune a trial that is not worth its time. `rows` are all of the sweep."""
    scored = study.scored()
    own, before = ([row for row in rows if row["trial"] in numbers] for numbers in ({number}, scored))
    if len(own) < len(sweep.seeds):
        return
    others = other_images_than(own, before)
    if all(row["state"] not in OPEN for row in own):
        study.tell(number, trial_score(own, before))
        if others:
            print(f"trial {number} {_NOT_LEARNED}", flush=True)
    elif sweep.prune != "none" and own[0]["state"] == "running" and not others:
        _judge(store, study, own[0], number=number)


def _judge(store: Store, study: Study, row: Row, *, number: int) -> None:
    """Report a trial's kNN so far; the measurement before the first step says nothing about the trial.

    Measurements are counted rather than identified by step, since a step means more training with a larger batch.
    """
    run = store.run(row["name"])
    points = zip(*run.history().points("knn"), strict=True)
    scores = [score for step, score in points if step and score == score]
    judged = [study.report(number, count, score) for count, score in enumerate(scores, start=1)]
    if not any(judged):
        return
    with contextlib.suppress(StoreError):  # it may have ended at this moment
        edit_run(store, run, add=[PRUNED])
        request_stop(run, who="the sweep, which pruned it")
    study.prune(number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
