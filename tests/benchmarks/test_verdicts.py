"""The second opinion on lists, comparisons and sweeps: it agrees with what is printed, and sees where it is not so."""

from __future__ import annotations

import msgspec
import pytest

from benchmarks.verdicts import Differences, check, check_groups, check_sweep, read
from simclr_tui.recipe.resolve import resolve
from simclr_tui.store.run import Trial
from simclr_tui.store.state import read_state, write_state
from simclr_tui.store.store import Store
from simclr_tui.sweep.folder import Sweep, claim_sweep
from tests.run_factory import make_run, metric_line, write_metrics

LAST = {"loss": 4.5, "contrastive_top1": 0.3, "images_per_s": 200.0}


def measured(root, name, knn, state="finished", flags=(), trial=None, **recipe):
    """A run whose last kNN is the second of three, with state.json as the trainer leaves it."""
    series = (knn - 0.1, knn + 0.02, knn)
    summary = LAST | {"knn": series[-1], "knn_best": max(series), "knn_first": series[0], "loss": 4.5 - knn}
    facts = {"device": "CPU", "knn_images": 500, "classes": 10}
    run = make_run(root, name, {"data": "shapes"} | recipe, state=state, summary=summary, facts=facts)
    write_state(run.paths, msgspec.structs.replace(read_state(run.paths), flags=tuple(flags)))
    lines = [metric_line(0, knn=series[0])]
    for epoch, accuracy in enumerate(series[1:], start=1):
        lines.append(metric_line(10 * epoch, **LAST | {"loss": 4.5 - knn + 0.1 * (2 - epoch)}))
        lines.append(metric_line(10 * epoch, knn=accuracy))
    write_metrics(run.paths, 1, lines)
    if trial is not None:
        run.write_info(msgspec.structs.replace(run.info, trial=Trial(sweep="taus", number=trial)))
    return run


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("verdicts")
    folder = claim_sweep(Store(root), "taus")
    folder.write_base(resolve("quick", flags={"data": "shapes"}))
    listed = ({"temp": 0.1}, {"temp": 0.5})
    folder.write(Sweep(name="taus", sampler="grid", trials=2, seeds=(0, 1), listed=listed))
    folder.claim_lock.release()
    for trial, temp in enumerate((0.1, 0.5)):
        for seed in (0, 1):
            measured(root, f"t{trial}s{seed}", 0.5 + temp / 2 + seed / 50, trial=trial, temp=temp, seed=seed)
    measured(root, "diverged", 0.9, "failed", ["diverged"], temp=0.5, seed=10)
    measured(root, "collapsed", 0.1, flags=["collapsed"], temp=0.5, seed=11)
    measured(root, "stopped", 0.8, "stopped", temp=0.5, seed=12)
    measured(root, "on-test", 0.95, temp=0.5, seed=13, knn_on="test")
    return root


def test_what_is_printed_is_what_the_files_say(store, capsys):
    code = check(str(store))
    said = capsys.readouterr().out
    assert code == 0, said
    assert "8 runs (failed, finished, stopped), 3 of them not counted: collapsed, diverged, stopped" in said
    assert " 0 differ" in said


def test_a_figure_that_is_not_in_the_metrics_is_found(store):
    run = Store(store).run("t0s1")
    runs = {path.parent.name: read(path.parent) for path in store.glob("*/run.json")}
    seen = Differences()
    before = read_state(run.paths)
    write_state(run.paths, msgspec.structs.replace(before, summary=before.summary | {"knn": 0.999}))
    try:
        check_groups(str(store), runs, seen)
        check_sweep(str(store), "taus", runs, seen)
    finally:
        write_state(run.paths, before)
    said = "\n".join(seen.found)
    assert "sweep show taus, trial 0, kNN: printed 0.77" in said
    assert "ls --group temp, 0.1, knn mean: printed 0.77" in said
