"""`run --queue`, `queue` and `sweep` as a script meets them: names on stdout, sentences on stderr, exit codes."""

from __future__ import annotations

import json

import pytest

from simclr_tui.launch.queue.queue import pause
from simclr_tui.store.store import Store
from tests.cli.test_cli import FLAGS, simclr
from tests.run_factory import make_run


@pytest.fixture
def root(tmp_path):
    """A store whose queue is paused: nothing trains here."""
    pause(Store(tmp_path / "runs"))
    return tmp_path / "runs"


def test_a_queue_is_filled_ordered_and_emptied_from_the_shell(root):
    first = simclr(root, "run", "--queue", *FLAGS)
    assert (first.returncode, first.stdout) == (0, "run1\n")
    assert "position 1 of 1" in first.stderr
    assert "the queue is paused: the user paused it; continue with: simclr queue start" in first.stderr
    assert simclr(root, "run", "--after", "run1", *FLAGS).stdout == "run2\n"
    assert simclr(root, "run", "-q", "--priority", "3", *FLAGS).stdout == "run3\n"
    listed = json.loads(simclr(root, "queue", "ls", "--json").stdout)
    assert [row["name"] for row in listed["waiting"]] == ["run3", "run1", "run2"]
    assert listed["waiting"][2]["waits"] == "waits for run1, which is queued"
    assert (listed["paused"], listed["dispatching"], listed["slots"]) == ("the user paused it", False, 1)
    assert "position 2" in simclr(root, "ls").stdout
    shown = json.loads(simclr(root, "show", "run1", "--json").stdout)
    assert (shown["state"], shown["place"], shown["waiting"]) == ("queued", 2, 3)
    assert "Moved run2 to position 1" in simclr(root, "queue", "move", "run2", "--priority", "9").stderr
    assert simclr(root, "stop", "run1").returncode == 0
    assert simclr(root, "queue", "rm", "run2", "run3").returncode == 0
    rows = json.loads(simclr(root, "ls", "--json").stdout)
    assert {row["state"] for row in rows} == {"stopped"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["queue", "move", "run1"], 2, "needs one destination"),
        (["queue", "move", "run1", "--first"], 5, "does not wait in the queue, it is stopped"),
        (["queue", "rm", "run1"], 5, "is not queued but stopped"),
        (["run", "--after", "run9", *FLAGS], 3, "no run 'run9'"),
        (["sweep", *FLAGS, "--temp", "0.1:1"], 2, "a grid needs values for --temp"),
        (["sweep", *FLAGS, "--temp", "0.1:1", "--sampler", "random"], 2, "needs --trials"),
        (["sweep", *FLAGS], 2, "needs a field to vary"),
        (["sweep", "--file", "lossess"], 2, "did you mean losses"),
        (["sweep", "show", "sweep7"], 3, "no sweep 'sweep7'"),
        (["run", "--on", "slurm", "--time", "soon", *FLAGS], 2, "--time cannot be"),
        (["run", "--nodes", "2", "--gpus", "2", *FLAGS], 2, "apply to Slurm jobs only"),
        (["resume", "run1", "--time", "8h"], 2, "apply to Slurm jobs only"),
        (["sweep", "--cpus", "4", "--temp", "0.1,1", *FLAGS], 2, "apply to Slurm jobs only"),
        (["run", "--on", "slurm", "--nodes", "2", "--gpus", "1", *FLAGS], 2, "2 nodes cannot share --gpus 1 evenly"),
        (["run", "--on", "slurm", "--gpus", "all", *FLAGS], 2, "a Slurm job trains elsewhere"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_an_exit_code(root, words, code, said):
    make_run(root, state="stopped")
    done = simclr(root, *words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_sweep_is_listed_shown_extended_and_stopped(root):
    made = simclr(root, "sweep", *FLAGS, "--temp", "0.1,0.5", "--seeds", "2")
    assert made.stdout == "sweep1\n", made.stderr
    assert "2 trials of 2 seeds, 4 runs queued" in made.stderr
    assert "4 runs queued" in simclr(root, "sweep", "extend", "sweep1", "--temp", "1.0,2.0").stderr
    shown = json.loads(simclr(root, "sweep", "show", "sweep1", "--json").stdout)
    assert [one["values"] for one in shown["results"]] == [{"temp": value} for value in (0.1, 0.5, 1.0, 2.0)]
    assert simclr(root, "sweep", "show", "sweep1").stdout.count("2 queued") == 4
    assert "8 runs stopped" in simclr(root, "sweep", "stop", "sweep1").stderr
    assert json.loads(simclr(root, "sweep", "ls", "--json").stdout)[0]["stopped"] is True
    assert "8 runs queued" in simclr(root, "sweep", "resume", "sweep1").stderr
    assert len(json.loads(simclr(root, "ls", "tag:sweep:sweep1", "--json").stdout)) == 8


def test_the_papers_sweeps_are_listed(root):
    listed = simclr(root, "sweep", "files").stdout
    for name in ("augmentations", "color-strength", "heads", "losses", "temperature", "batch-epochs"):
        assert name in listed
