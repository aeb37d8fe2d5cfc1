"""`simclr eval` as a person or a script meets it: a trained run, real processes, files in the run folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from functools import partial

import msgspec
import numpy as np
import psutil
import pytest
from PIL import Image

from simclr_tui.store.store import Store
from tests.run_factory import make_run
from tests.training import tiny_run, train_in_process, until


@pytest.fixture(scope="module")
def trained(tmp_path_factory, shared_data):
    """One finished run; each test works on its own evaluations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMCLR_DATA", str(shared_data))
        run = tiny_run(tmp_path_factory.mktemp("eval") / "runs")
        done = train_in_process(run)
    assert done.returncode == 0, done.stdout + done.stderr
    return run


@pytest.fixture
def run(trained):
    yield trained
    for path in trained.paths.evaluations.iterdir():
        path.unlink()


@pytest.fixture
def pictures(tmp_path):
    """Make a folder of random pictures, with a folder a class or without."""

    def make(name: str, *classes: str) -> str:
        random = np.random.default_rng(0)
        for label in classes or ("",):
            (tmp_path / name / label).mkdir(parents=True)
            for i in range(20):
                pixels = random.integers(0, 256, (20, 20, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / name / label / f"{i}.png")
        return f"folder:{tmp_path / name}"

    return make


def command(run, *words: str) -> list[str]:
    return [sys.executable, "-m", "simclr_tui.cli.main", *words, "--runs", str(run.path.parent)]


def simclr(run, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"COLUMNS": "160"}
    return subprocess.run(command(run, *words), capture_output=True, text=True, timeout=120, env=environment)


def test_every_protocol_is_measured_kept_and_shown(run):
    asked = ["--knn", "--linear", "--linear-aug", "--logreg", "--finetune", "10%", "--finetune", "100"]
    done = simclr(run, "eval", run.name, *asked, "--seeds", "2", "--epochs", "2", "--json")
    assert done.returncode == 0, done.stderr
    found = {result["name"]: result for result in json.loads(done.stdout)}
    assert list(found) == ["knn", "linear", "linear-aug", "logreg", "finetune-10pct", "finetune-100pct"]
    checkpoint = run.checkpoints[0]
    for name, result in found.items():
        assert json.loads((run.paths.evaluations / f"{name}.json").read_text()).items() <= result.items()
        assert result["step"] == checkpoint.step
        assert result["checkpoint"] == hashlib.sha256(run.paths.checkpoint(checkpoint.step).read_bytes()).hexdigest()
        assert [len(row) for row in result["confusion"]] == [10] * 10
        seeds = 1 if name == "knn" else 2
        assert (result["seeds"], len(result["results"])) == (seeds, seeds)
        assert sum(map(sum, result["confusion"])) == 96 * seeds
        assert (result["top1_std"] is None) == (seeds == 1)
        assert 0 <= result["top1"] <= result["top5"] <= 1
        hits = sum(result["confusion"][label][label] for label in range(10))
        assert result["top1"] == pytest.approx(hits / (96 * seeds))
    assert len({result["encoder"] for result in found.values()}) == 1
    assert found["knn"]["top1"] == pytest.approx(run.status.summary["knn"], abs=1e-12), "the monitor's own figure"
    assert found["finetune-10pct"]["hyperparameters"]["labelled_images"] == 10
    assert found["linear"]["results"][0]["chosen"].keys() == {"lr", "weight_decay"}

    shown = json.loads(simclr(run, "show", run.name, "--json").stdout)["evaluations"]
    assert {row["name"]: row["top1"] for row in shown} == {name: row["top1"] for name, row in found.items()}
    lines = [line.split() for line in simclr(run, "show", run.name).stdout.splitlines()]
    assert ["eval", "linear-aug", f"{100 * found['linear-aug']['top1']:.1f}", "±"] in [line[:4] for line in lines]
    (row,) = json.loads(simclr(run, "ls", "--json").stdout)
    assert (row["linear"], row["finetune_1"]) == (found["linear"]["top1"], None)


def test_fine_tuning_from_the_heads_hidden_layer_is_a_result_of_its_own(run):
    done = simclr(run, "eval", run.name, "--finetune", "10%", "--head-layers", "1", "--epochs", "1", "--json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert (result["name"], result["protocol"]) == ("finetune-10pct-head1", "finetune-10pct")
    assert result["hyperparameters"]["head_layers"] == 1


def test_the_default_is_knn_and_linear_drawn_for_people_and_the_same_again(run):
    first = simclr(run, "eval", run.name, "--epochs", "3")
    assert first.returncode == 0, first.stderr
    table = first.stdout.split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in table] == ["top-1", "knn", "linear"]
    assert "predicted as each class" in first.stdout
    assert "linear: sweep" in first.stderr
    before = [read(run, name) for name in ("knn", "linear")]
    assert simclr(run, "eval", run.name, "--epochs", "3").returncode == 0
    assert [read(run, name) for name in ("knn", "linear")] == before


def read(run, name: str) -> dict:
    found = msgspec.json.decode((run.paths.evaluations / f"{name}.json").read_bytes())
    return {key: value for key, value in found.items() if key not in ("seconds", "wall")}


def test_another_data_set_and_an_older_checkpoint_have_names_of_their_own(run, pictures):
    older = run.checkpoints[1].step
    other = pictures("two", "cats", "dogs")
    done = simclr(run, "eval", run.name, "--knn", "--data", other, "--step", str(older), "--json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)
    assert result["name"].startswith("knn-on-folder-")
    assert result["name"].endswith(f"-step-{older}")
    assert (result["data"], result["step"], result["classes"]) == (other, older, ["cats", "dogs"])
    assert result["top5"] is None
    assert json.loads(simclr(run, "ls", "--json").stdout)[0]["linear"] is None


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--finetune", "5%"], 2, "--finetune takes 1%, 10%, 100% of the labels, not '5%'"),
        (["--step", "7"], 3, "no checkpoint at step 7"),
        (["--data", "cifar"], 4, "no data set 'cifar'"),
        (["--device", "gpu"], 2, "--device"),
        (["--seeds", "0"], 2, "--seeds"),
        (["--linear", "--head-layers", "1"], 2, "--head-layers says where fine-tuning begins"),
        (["--finetune", "1%", "--head-layers", "2"], 2, "has 2 layers, of which the last one gives z"),
    ],
)
def test_bad_input_is_refused_in_a_sentence_before_anything_is_loaded(run, words, code, says):
    done = simclr(run, "eval", run.name, *words)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "torch" not in done.stderr
    assert list(run.paths.evaluations.iterdir()) == []


def test_unlabelled_images_are_refused_in_a_sentence(run, pictures):
    done = simclr(run, "eval", run.name, "--data", pictures("bare"))
    assert done.returncode == 4
    assert "has no labels" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_damaged_checkpoint_is_passed_over_and_told(run):
    newest, older = (run.paths.checkpoint(manifest.step) for manifest in run.checkpoints)
    whole = newest.read_bytes()
    newest.write_bytes(whole[:-1])
    try:
        done = simclr(run, "eval", run.name, "--knn", "--json")
    finally:
        newest.write_bytes(whole)
    assert done.returncode == 0
    assert f"skipped a damaged checkpoint: {newest.name}" in done.stderr
    assert f"step-{json.loads(done.stdout)[0]['step']:08d}" == older.stem


def test_a_run_without_a_checkpoint_is_refused(tmp_path):
    done = simclr(make_run(tmp_path, "bare"), "eval", "bare")
    assert done.returncode == 8
    assert "bare has no checkpoint: it ended before one was saved" in done.stderr


@pytest.mark.parametrize("whole_group", [True, False], ids=["ctrl-c", "one process"])
def test_an_interrupt_ends_it_and_leaves_nothing_half_written(run, tmp_path, whole_group):
    # Whoever runs the tests in the background had the signal ignored for all its children.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    talk = tmp_path / "stderr"
    with talk.open("wb") as stderr:
        process = subprocess.Popen(
            command(run, "eval", run.name, "--knn", "--linear", "--epochs", "10000000"),
            stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True, preexec_fn=heard,
        )  # fmt: skip
        until(lambda: b"linear: sweep" in talk.read_bytes() or process.poll() is not None, what="the sweep")
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in talk.read_text()
    assert [path.name for path in run.paths.evaluations.iterdir()] == ["knn.json"]
    assert said.splitlines()[1].startswith("knn"), "what was finished is shown"
    assert Store(run.path.parent).run(run.name).state == "finished"


def test_it_ends_when_whoever_asked_is_killed(run, tmp_path):
    talk = tmp_path / "stderr"
    with talk.open("wb") as stderr:
        asked = subprocess.Popen(
            command(run, "eval", run.name, "--linear", "--epochs", "10000000"), stdout=subprocess.PIPE, stderr=stderr
        )
        until(lambda: b"linear: sweep" in talk.read_bytes() or asked.poll() is not None, what="the sweep")
        (working,) = psutil.Process(asked.pid).children()
        asked.kill()
        asked.communicate(timeout=120)
        until(lambda: not working.is_running() or working.status() == psutil.STATUS_ZOMBIE, what="its end")


@pytest.mark.parametrize("words", [["edit", "RUN", "--name", "renamed"], ["rm", "--yes", "RUN"]])
def test_a_run_that_is_renamed_or_removed_meanwhile_takes_its_result_along(trained, tmp_path, words, fault):
    fault("F48", 1, "runs renamed or removed while they are evaluated")
    shutil.copytree(trained.path, tmp_path / "runs" / "run1")
    run = Store(tmp_path / "runs").run("run1")
    with subprocess.Popen(
        command(run, "eval", "run1", "--knn"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as eval_:
        try:
            first = eval_.stderr.readline()
            assert b"loading torch" in first, first
            done = simclr(run, *[word.replace("RUN", "run1") for word in words])
            assert done.returncode == 0, done.stderr
            shown, said = eval_.communicate(timeout=200)
        finally:
            eval_.kill()
    assert eval_.returncode == 0, said
    assert b"its results went along" in said
    assert b"knn" in shown
    (result,) = (tmp_path / "runs").glob("**/evaluations/knn.json")
    assert result.parents[1].name.startswith(("renamed", "run1."))
