"""A run knows its data: other images are refused with what changed, or accepted aloud; moved ones are known again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simclr_tui.errors import DataError, StoreError
from simclr_tui.paths import RunPaths
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.resolve import Resolved
from simclr_tui.store.data_facts import mark_data, read_data_facts, with_data_moved, write_data_facts
from simclr_tui.train.data import Data, open_data
from simclr_tui.train.known_data import recognise_data


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


def opened(root: Path) -> Data:
    name = f"folder:{root}"
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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lose, r"\d+ images before, \d+ now"),
        (rename_class, "the classes were a, b, and are now a, c"),
        (exchange, "the names, sizes or order of the images changed"),
    ],
)
def test_other_images_are_refused_with_what_changed(run, images, change, words):
    change(images)
    with pytest.raises(DataError, match=words + ".* — .*simclr resume run1 --accept-data"):
        recognise_data(run, "x", opened(images), resumes=True)
    assert recognise_data(run, "x", opened(images), resumes=False).facts.warnings == []  # nothing is trained yet


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
