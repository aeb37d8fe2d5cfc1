"""`export`, `embed`, `neighbors` and `preview` as they are typed."""

from __future__ import annotations

import json

import pytest

from tests.cli.test_cli import FLAGS, simclr
from tests.run_factory import make_run, metric_line, write_metrics
from tests.training import tiny_run, train_in_process


@pytest.fixture(scope="module")
def root(tmp_path_factory, shared_data):
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMCLR_DATA", str(shared_data))
        assert train_in_process(tiny_run(folder, epochs=1)).returncode == 0
    bare = make_run(folder, "bare")
    write_metrics(bare.paths, 1, [metric_line(1, loss=4.0)])
    return folder


def test_encoder_and_metrics_leave_together(root, tmp_path):
    done = simclr(root, "export", "run1", "--encoder", "e.pt", "--metrics", "m.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "how to load it: e.pt.md" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"e.pt", "e.pt.md", "m.csv"}


def test_neighbors_are_drawn_and_listed(root):
    listed = json.loads(simclr(root, "neighbors", "run1", "3", "-k", "2", "--json").stdout)
    assert (listed["step"], len(listed["neighbors"])) == (6, 2)
    assert set(listed["neighbors"][0]) == {"index", "split", "label", "path", "similarity"}
    plain = simclr(root, "neighbors", "run1", "3", "-k", "2").stdout
    assert "\x1b" not in plain
    assert f"{listed['neighbors'][0]['similarity']:.3f}" in plain
    assert "▀" not in plain  # without colour, shades


def test_preview_draws_pixels_in_colour_where_there_is_colour(root, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    done = simclr(root, "preview", *FLAGS, "--images", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("▀") == 2 * 3 * 16 * 8
    assert "38;2;" in done.stdout
    assert done.stdout.count("view 1") == 2


def test_vectors_are_written(root, tmp_path):
    done = simclr(root, "embed", "run1", "--split", "test", "--out", str(tmp_path / "v.npy"))
    assert "h of 96 images" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"v.npy", "v.npy.csv"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["export", "run1"], 2, "nothing to export"),
        (["export", "bare", "--encoder", "e.pt"], 8, "bare has no checkpoint"),
        (["embed", "run1", "--out", "v.txt"], 2, ".npy or .parquet"),
        (["embed", "run1", "--out", "v.npy", "--data", "shaped"], 4, "did you mean shapes"),
        (["embed", "run1", "--out", "v.npy", "--device", "gpu"], 2, "--device must be"),
        (["export", "run1", "--encoder", "n" * 300 + ".pt"], 5, "cannot write"),
        (["neighbors", "run1", "gone.jpg"], 4, "there is no image gone.jpg"),
        (["preview", "--temp", "-1"], 2, "--temp must be"),
        (["preview", *FLAGS, "--out", "gone/p.png"], 2, "there is no folder gone"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_left_behind(root, tmp_path, words, code, said):
    done = simclr(root, *words, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("simclr: ") and said in line]
    assert "Traceback" not in done.stderr
    assert (done.stdout, list(tmp_path.iterdir())) == ("", [])


def test_the_embedding_is_drawn_or_printed(root):
    listed = json.loads(simclr(root, "embed", "run1", "--json").stdout)
    assert {point["split"] for point in listed["points"]} == {"test"}
    assert len(listed["points"]) == listed["images"] == 96
    assert 0 < listed["explained"][1] <= listed["explained"][0] < 1
    drawn = simclr(root, "embed", "run1")
    first, second = (f"{100 * share:.1f}%" for share in listed["explained"])
    assert f"{first} + {second} of the variance: 96 of 96 test images at step 6" in drawn.stderr
    lines = drawn.stdout.splitlines()
    for mark, name in enumerate(listed["classes"]):
        assert f"{mark} {name}" in lines[-1]
        assert any(str(mark) in line for line in lines[:-2]), name
    assert "\x1b" not in drawn.stdout


def test_a_file_and_json_are_two_answers(root, tmp_path):
    done = simclr(root, "embed", "run1", "--json", "--out", str(tmp_path / "v.npy"))
    assert (done.returncode, done.stdout) == (2, "")


def test_a_whole_store_is_exported_and_what_has_nothing_is_named(root, tmp_path):
    done = simclr(root, "export", "--all", "--metrics", "out/{run}.csv", "--encoder", "encoders/", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"run1.csv", "bare.csv"}
    assert {path.name for path in (tmp_path / "encoders" / "run1").iterdir()} == {
        "README.md",
        "config.json",
        "encoder.pt",
        "load.py",
    }
    assert "left out: bare has no checkpoint" in done.stderr
    assert "2 runs, 1 left out" in done.stderr


@pytest.mark.parametrize(
    "words", [["--metrics", "m.csv"], ["run1", "--all", "--metrics", "m/"], ["--all", "--metrics", "m.csv"]]
)
def test_an_export_that_names_no_run_or_one_file_for_all_is_refused(root, tmp_path, words):
    done = simclr(root, "export", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []
