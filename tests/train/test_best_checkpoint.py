"""The best checkpoint by validation kNN: saved when it was measured, kept, and the same after a kill."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest
import torch

from simclr_tui.api import load_encoder
from simclr_tui.errors import ExitCode
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.state import write_state
from simclr_tui.tasks.export import export
from simclr_tui.train.data.open import open_data
from simclr_tui.train.data.validation import bank_and_validation
from simclr_tui.train.observe.knn import extract_features, knn_votes
from simclr_tui.train.persist.checkpoint import load_step
from tests.training import tiny_run, train_in_process, until

CHOSEN = {"knn_on": "validation", "epochs": 8, "checkpoint_every": 100, "lr": 1.0}


@pytest.fixture(scope="module")
def run(tmp_path_factory, shared_data):
    patch = pytest.MonkeyPatch()
    with patch.context() as environment:
        environment.setenv("SIMCLR_OFFLINE", "1")
        environment.setenv("SIMCLR_DATA", str(shared_data))
        run = tiny_run(tmp_path_factory.mktemp("best"), **CHOSEN)
        assert train_in_process(run).returncode == ExitCode.OK
    return run


def _data(recipe):
    return open_data(recipe.data, image_size=recipe.image_size, subset=recipe.subset, progress=lambda *_: None)


def best_measured(run):
    """Return step and kNN of the first best evaluation after step 0, which is no checkpoint."""
    steps, values = run.metric("knn")
    knn, step = max((knn, -step) for step, knn in zip(steps, values, strict=True) if step)
    return -step, knn


def test_the_best_evaluation_has_its_checkpoint_and_other_epochs_none(run):
    step, knn = best_measured(run)
    best = run.best_checkpoint
    assert best is not None
    assert (best.step, best.knn) == (step, knn)
    last = run.status.steps
    assert step < last, "the best is not the last, or this test says nothing"
    kept = [manifest.step for manifest in run.checkpoints]
    assert kept[0] == last
    assert step in kept
    saved = [event.step for event in run.events if event.event == "checkpoint"]
    steps, values = run.metric("knn")
    improved, top = [], -1.0
    for at, value in list(zip(steps, values, strict=True))[1:]:
        if value > top:
            improved.append(at)
            top = value
    assert saved == [*improved, last], "saved as it got better, and at the end"
    assert kept == sorted({*saved[-2:], step}, reverse=True)


def test_the_best_checkpoint_measures_what_made_it_the_best(run):
    recipe, best = run.recipe, run.best_checkpoint
    bank, queries = bank_and_validation(_data(recipe).train)

    def accuracy(checkpoint):
        encoder = load_encoder(run, checkpoint=checkpoint)
        h = [extract_features(encoder, part.images[part.places], recipe, device=torch.device("cpu"), autocast=None)
             for part in (bank, queries)]  # fmt: skip
        votes = knn_votes(h[0].double(), torch.from_numpy(bank.labels), h[1].double(),
                          classes=int(bank.labels.max()) + 1, k=recipe.knn_k)  # fmt: skip
        return (votes.argmax(dim=1) == torch.from_numpy(queries.labels)).double().mean().item()

    assert accuracy("best") == accuracy(best.step) == pytest.approx(best.knn)
    assert accuracy("newest") == pytest.approx(run.status.summary["knn"])


def test_the_best_is_exported(run, tmp_path):
    export(run, tmp_path / "best.pt", run.best_checkpoint.step)
    written, saved = torch.load(tmp_path / "best.pt"), load_step(run.paths, run.best_checkpoint.step)["encoder"]
    assert all(torch.equal(value, written[name]) for name, value in saved.items() if name in written)
    assert f"step {run.best_checkpoint.step}" in (tmp_path / "best.pt.md").read_text().replace(",", "")


def test_a_killed_and_resumed_run_has_the_same_best(run, tmp_path):
    killed = tiny_run(tmp_path, **CHOSEN)
    trainer = subprocess.Popen([sys.executable, "-m", "simclr_tui.train", str(killed.path)], stdout=subprocess.DEVNULL)
    try:
        until(lambda: len(killed.checkpoints) > 1 or trainer.poll() is not None)
    finally:
        trainer.kill()
        trainer.wait()
    killed.paths.attempt(2).root.mkdir()
    write_state(killed.paths, msgspec.structs.replace(killed.status, state="starting", attempt=2, process=None))
    assert train_in_process(killed).returncode == ExitCode.OK
    assert (killed.best_checkpoint.step, killed.best_checkpoint.knn) == best_measured(run)
    ours = load_step(killed.paths, killed.best_checkpoint.step)["encoder"]
    theirs = load_step(run.paths, run.best_checkpoint.step)["encoder"]
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_no_best_is_kept_where_it_is_not_asked_for_or_would_be_chosen_on_test_images():
    assert Recipe().keeps_best
    for changes in ({"keep_best": False}, {"knn_on": "test"}, {"knn_every": 0}):
        assert not msgspec.structs.replace(Recipe(), **changes).keeps_best
