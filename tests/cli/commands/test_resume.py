"""`simclr resume` where the images changed or moved: real processes, and what a refused command leaves behind."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from simclr_tui.launch.extend import extend
from simclr_tui.store.data_facts import DataFacts, read_data_facts, write_data_facts
from simclr_tui.store.process import this_process
from simclr_tui.store.run import Run
from tests.run_factory import make_run, save_checkpoint
from tests.training import tiny_run, train_in_process

FACTS = DataFacts(fingerprint="abc", data="folder:/old", images=36, test_images=4, moved_to="folder:/elsewhere")


def simclr(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SIMCLR_RUNS": str(root), "COLUMNS": "120"}
    command = [sys.executable, "-m", "simclr_tui.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment, check=False)


@pytest.mark.parametrize("said", [["--accept-data"], ["--data", "shapes"]], ids=["accept", "moved"])
@pytest.mark.parametrize(
    ("state", "more", "words"),
    [
        ("finished", [], "run1 is finished"),
        ("finished", ["--epochs", "1"], "epochs already"),
        ("running", [], "run1 is already training"),
        ("stopped", ["--time", "8h"], "apply to Slurm jobs only"),
    ],
)
def test_a_refused_command_leaves_the_data_as_strictly_known_as_before(tmp_path, said, state, more, words):
    alive = {"process": this_process(), "supervisor": this_process()} if state == "running" else {}
    run = make_run(tmp_path / "runs", "run1", state=state, **alive)
    save_checkpoint(run.paths, 1)
    write_data_facts(run.path, FACTS)
    refused = simclr(run.path.parent, "resume", "run1", *said, *more)
    assert refused.returncode not in (0, 1), refused.stderr
    assert words in refused.stderr
    assert read_data_facts(run.path) == FACTS


@pytest.fixture(scope="module")
def trained(tmp_path_factory, shared_data) -> tuple[Run, Path]:
    """A run of two epochs on a folder of images, and that folder."""
    folder = tmp_path_factory.mktemp("resume")
    for number in range(40):
        file = folder / "images" / "ab"[number % 2] / f"{number:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)).save(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMCLR_DATA", str(shared_data))
        run = tiny_run(folder / "runs", data=f"folder:{folder / 'images'}", subset=0, bs=8, epochs=2, warmup=0.0)
        done = train_in_process(run)
    assert done.returncode == 0, done.stderr
    return run, folder / "images"


@pytest.fixture
def half_trained(trained, tmp_path) -> tuple[Run, Path]:
    """A copy of that run which is to go on to four epochs, and of its images in the place where it looks for them."""
    run, images = trained
    shutil.copytree(images, tmp_path / "images")
    shutil.copytree(run.path, tmp_path / "runs" / "run1")
    run = Run(tmp_path / "runs" / "run1")
    extend(run, 4)
    recipe = run.paths.recipe.read_text()
    run.paths.recipe.write_text(recipe.replace(str(images), str(tmp_path / "images")))
    return run, tmp_path / "images"


def test_changed_images_are_refused_until_the_command_accepts_them(half_trained):
    run, images = half_trained
    steps, before = run.status.step, read_data_facts(run.path)
    for file in sorted((images / "a").iterdir())[:4]:
        file.unlink()
    refused = simclr(run.path.parent, "resume", "run1")
    assert refused.returncode == 4
    assert re.search(r"\d+ images before, \d+ now", refused.stderr)
    assert "simclr resume run1 --accept-data" in refused.stderr
    done = simclr(run.path.parent, "resume", "run1", "--accept-data")
    assert done.returncode == 0, done.stderr
    assert "the data changed and was accepted" in done.stderr
    facts = read_data_facts(run.path)
    assert (run.status.step, run.status.steps) == (2 * steps, 2 * steps)
    assert (facts.accept, facts.schedule_images) == (False, before.images)
    assert facts.images < before.images


def test_moved_images_are_read_in_their_new_place_and_others_are_refused_there(half_trained, tmp_path):
    run, images = half_trained
    steps, before = run.status.step, read_data_facts(run.path)
    shutil.copytree(images, tmp_path / "fewer")
    for file in sorted((tmp_path / "fewer" / "a").iterdir())[:4]:
        file.unlink()
    images.rename(tmp_path / "moved")
    assert simclr(run.path.parent, "resume", "run1").returncode == 4
    refused = simclr(run.path.parent, "resume", "run1", "--data", f"folder:{tmp_path / 'fewer'}")
    assert refused.returncode == 4
    assert re.search(r"\d+ images before, \d+ now", refused.stderr)
    assert read_data_facts(run.path) == before, "the other images are forgotten"
    done = simclr(run.path.parent, "resume", "run1", "--data", f"folder:{tmp_path / 'moved'}")
    assert done.returncode == 0, done.stderr
    assert run.status.step == 2 * steps
    facts = read_data_facts(run.path)
    assert facts.moved_to == f"folder:{tmp_path / 'moved'}", "a later attempt looks there too"
    assert msgspec.structs.replace(facts, moved_to="", data="") == msgspec.structs.replace(before, data="")
