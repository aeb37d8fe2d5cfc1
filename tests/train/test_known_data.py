"""A run knows its data: other images are refused with what changed, or accepted aloud; moved ones are known again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simclr_tui.errors import DataError, ExitCode, StoreError
from simclr_tui.launch.extend import extend
from simclr_tui.launch.start import create
from simclr_tui.paths import RunPaths
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import Resolved
from simclr_tui.store.data_facts import NAME, mark_data, read_data_facts, with_data_moved, write_data_facts
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store
from simclr_tui.train.data import Data, open_data
from simclr_tui.train.known_data import recognise_data
from tests.training import tensors, tiny_plan, tiny_run, train_in_process


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number in range(40):
        file = tmp_path / "images" / "ab"[number % 2] / f"{number:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)).save(file)
    return tmp_path / "images"


@pytest.fixture
def run(tmp_path: Path, images: Path) -> RunPaths:
    """A run that has been begun on the images."""
    paths = RunPaths(tmp_path / "run1")
    paths.root.mkdir()
    write_data_facts(paths.root, recognise_data(paths, "x", opened(images), resumes=False).facts)
    return paths


def opened(root: Path, kind: str = "folder") -> Data:
    name = f"{kind}:{root}"
    return open_data(name, image_size=8, subset=0, progress=lambda *_: None, cache=root.parent / "cache")


def test_the_same_images_are_known_wherever_they_lie(run, images, tmp_path):
    assert recognise_data(run, "x", opened(images), resumes=True).schedule_images == 0
    shutil.copytree(images, tmp_path / "elsewhere" / "images")
    assert recognise_data(run, "y", opened(tmp_path / "elsewhere" / "images"), resumes=True).schedule_images == 0


def lose(images: Path) -> None:
    for file in sorted((images / "a").iterdir())[:6]:
        file.unlink()


def rename_class(images: Path) -> None:
    (images / "b").rename(images / "c")


def exchange(images: Path) -> None:
    file = sorted((images / "a").iterdir())[0]
    Image.fromarray(np.random.default_rng(99).integers(0, 9, (8, 8, 3), np.uint8) * 28).save(file)


def rename_file(images: Path) -> None:
    (images / "a" / "00.png").rename(images / "a" / "00b.png")


def swap_classes(images: Path) -> None:
    """Each class has as many images as before."""
    (images / "a" / "00.png").rename(images / "b" / "00.png")
    (images / "b" / "01.png").rename(images / "a" / "01.png")


RENAMED = "the classes were a, b, and are now a, c"  # and held out is by a hash of names, in which the class stands


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lose, "35 images before, 31 now; 5 test images before, 3 now; the number of images changed in a"),
        (rename_class, f"35 images before, 36 now; 5 test images before, 4 now; {RENAMED}"),
        (exchange, "the names, sizes, labels or order of the images changed"),
        (rename_file, "the names, sizes, labels or order of the images changed"),
        (swap_classes, "the names, sizes, labels or order of the images changed"),
    ],
)
def test_other_images_are_refused_with_what_changed(run, images, change, words):
    change(images)
    with pytest.raises(DataError, match=f": {words} — .*simclr resume run1 --accept-data"):
        recognise_data(run, "x", opened(images), resumes=True)
    assert recognise_data(run, "x", opened(images), resumes=False).facts.warnings == []  # nothing is trained yet


def test_labels_of_a_table_that_were_exchanged_are_other_data(run, images):
    """Exchange two labels: neither the images' names nor the number of any class changes."""
    labels = {f"{'ab'[number % 2]}/{number:02}.png": ("cat", "dog")[number % 2] for number in range(40)}

    def listed() -> Data:
        rows = "".join(f"{name},{label}\n" for name, label in labels.items())
        (images / "d.csv").write_text(f"path,label\n{rows}")
        return opened(images / "d.csv", "csv")

    data = listed()
    write_data_facts(run.root, recognise_data(run, "x", data, resumes=False).facts)
    recognise_data(run, "x", listed(), resumes=True)
    cat, dog = (next(name for name in data.train.names if labels[name] == label) for label in ("cat", "dog"))
    labels[cat], labels[dog] = "dog", "cat"
    with pytest.raises(DataError, match="trained on: the names, sizes, labels or order of the images changed — "):
        recognise_data(run, "x", listed(), resumes=True)


def test_accepted_data_keeps_the_schedule_and_says_so(run, images):
    before = read_data_facts(run.root)
    assert before is not None
    lose(images)
    mark_data(run.root, accept=True)
    known = recognise_data(run, "x", opened(images), resumes=True)
    assert known.schedule_images == before.images
    assert "was accepted" in known.facts.warnings[-1]
    write_data_facts(run.root, known.facts)
    again = recognise_data(run, "x", opened(images), resumes=True)
    assert (again.schedule_images, again.facts.accept) == (before.images, False)


def test_moved_images_are_read_where_they_are_now(run):
    resolved = Resolved(recipe=Recipe(data="folder:/old"), preset="", sources={})
    assert with_data_moved(run.root, resolved).recipe.data == "folder:/old"
    mark_data(run.root, moved_to="folder:/new")
    assert with_data_moved(run.root, resolved).recipe.data == "folder:/new"


def test_images_moved_to_others_are_refused_and_forgotten(run, images):
    lose(images)
    mark_data(run.root, moved_to="folder:/new")
    with pytest.raises(DataError):
        recognise_data(run, "x", opened(images), resumes=True)
    facts = read_data_facts(run.root)
    assert facts is not None
    assert facts.moved_to == ""


def test_a_run_without_facts_cannot_be_told_that_its_data_moved(tmp_path):
    with pytest.raises(StoreError, match=r"has no data\.json"):
        mark_data(tmp_path, moved_to="folder:/new")


def half_trained(root: Path, images: Path) -> Run:
    """A run of two epochs that is to be trained to four."""
    run = tiny_run(root, data=f"folder:{images}", subset=0, bs=8, epochs=2, warmup=0.0)
    done = train_in_process(run)
    assert done.returncode == 0, done.stderr
    extend(run, 4)
    return run


def go_on(run: Run) -> tuple[int, str]:
    """Train another attempt, and return its exit code and the reason that the run gives."""
    run.paths.attempt(len(list(run.paths.attempts())) + 1).root.mkdir()
    code = train_in_process(run).returncode
    return code, run.status.reason


def test_a_trained_run_refuses_changed_images_by_its_facts_and_by_its_checkpoint(images, tmp_path):
    run = half_trained(tmp_path / "runs", images)
    steps, before, kept = run.status.step, read_data_facts(run.path), run.path / NAME
    assert tensors(run)[".data"] == before.fingerprint
    lose(images)
    kept.rename(tmp_path / NAME)
    code, reason = go_on(run)
    assert code == ExitCode.DATA
    assert "this is not the data that the checkpoint of run1 was trained on" in reason
    (tmp_path / NAME).rename(kept)
    code, reason = go_on(run)
    assert code == ExitCode.DATA
    assert f"{before.images} images before, " in reason
    assert run.status.step == steps
    mark_data(run.path, accept=True)
    code, reason = go_on(run)
    assert (code, reason, run.status.step) == (0, "", 2 * steps)
    now = read_data_facts(run.path)
    assert (now.accept, now.schedule_images) == (False, before.images)
    assert tensors(run)[".data"] == now.fingerprint != before.fingerprint


def test_a_run_whose_facts_are_lost_goes_on_with_its_images_or_gives_its_weights_to_another(images, tmp_path):
    run = half_trained(tmp_path / "runs", images)
    steps = run.status.step
    (run.path / NAME).unlink()
    shutil.copytree(images, tmp_path / "whole")
    lose(images)
    code, reason = go_on(run)
    assert code == ExitCode.DATA
    assert reason.endswith("restore it, and resume; or start another run from these weights: --init run1")
    other = create(Store(run.path.parent), tiny_plan(data=f"folder:{images}", subset=0, bs=8, epochs=1, init="run1"))
    done = train_in_process(other)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(images)
    (tmp_path / "whole").rename(images)
    assert go_on(run)[0] == 0
    assert run.status.step == 2 * steps
    assert read_data_facts(run.path).fingerprint == tensors(run)[".data"]
