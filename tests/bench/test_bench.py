"""The benchmark measures what it says; how fast this machine is decides no test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from simclr_tui.bench import peers
from simclr_tui.bench.fabric import FIVE, make_metrics, make_store
from simclr_tui.catalog.catalog import Catalog
from simclr_tui.store.bench_report import Figure
from simclr_tui.store.run import Run
from tests.training import until


def bench(*words):
    command = [sys.executable, "-m", "simclr_tui.cli.main", "bench", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)


def test_the_store_is_measured_and_told_as_json():
    done = bench("store", "--count", "5", "--steps", "2500", "--repeat", "2", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    figures = {figure["name"]: figure for figure in told["figures"]}
    assert list(figures) == [
        "log five scalars", "history of 2,500 steps: first chart", "history of 2,500 steps: whole",
        "history of 2,500 steps: opened again, to all charts",
        "history of 2,500 steps: a tick, four charts", "simclr --help", "first index of 5 runs", "simclr ls, 5 runs",
        "simclr ls --limit 20, 5 runs", "what the catalog adds to a launch, 5 runs",
    ]  # fmt: skip
    for figure in figures.values():
        assert 0 < figure["lowest"] <= figure["median"] <= figure["highest"]
        assert figure["n"] in (2, 8)
        assert figure["met"] == (None if figure["goal"] is None else figure["median"] <= figure["goal"])
    assert figures["simclr --help"]["lowest"] > 10, "milliseconds, of a whole process"
    assert told["machine"]
    assert {"simclr-tui", "python", "textual"} <= told["versions"].keys()


def test_another_manager_lists_in_turns_with_ours(tmp_path, monkeypatch):
    """A package with a command of its own stands for one; its filler is this package's, which says where it filled."""
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "json"  # any module's name: installed, as far as imports can tell
    script.write_text('#!/bin/sh\ntest "$1" = list && echo one >> "$STAND_IN/listed"\n')
    script.chmod(0o755)
    monkeypatch.setattr(peers, "python", lambda: [str(tmp_path / "bin" / "python")])
    filled = []
    monkeypatch.setattr(peers, "python_module", lambda *words: filled.append(words) or ["true"])
    stand_in = peers.Peer("json", "STAND_IN", str, ("list", "runs"))
    absent = peers.Peer("no_such_package", "X", str, ())
    assert peers.listings(tmp_path / "none", 5, 3, peers=(absent,)) == []
    figures = peers.listings(tmp_path / "peers", 5, 3, peers=(stand_in, absent))
    assert [(figure.name, figure.unit, len(figure.values)) for figure in figures] == [
        ("simclr ls, 5 runs, in turns", "ms", 3),
        ("json list runs, 5 runs", "ms", 3),
        ("json list runs against simclr ls", "×", 3),
    ]
    ours, theirs, ratio = (figure.values for figure in figures)
    assert ratio == pytest.approx([one / other for one, other in zip(theirs, ours, strict=True)])
    assert (tmp_path / "peers" / "json" / "listed").read_text().split() == ["one"] * 4, "a first start does not count"
    assert ("simclr_tui.bench.peers", "json", "5") in filled


def test_the_dashboard_is_measured_and_told_as_a_table():
    done = bench("dashboard", "--count", "5", "--repeat", "1")
    assert done.returncode == 0, done.stderr
    for name in (
        "first frame, 5 runs",
        "all 5 runs listed",
        "key to screen, 5 runs, 5 training: median",
        "the same, 95th percentile",
        "chart redraw, 4 series",
        "peak memory",
    ):
        assert name in done.stdout
    assert "≤ 50 ms" in done.stdout


def test_the_queue_is_measured():
    done = bench("queue", "--count", "5", "--repeat", "1", "--json")
    assert done.returncode == 0, done.stderr
    figures = {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}
    assert list(figures) == [
        "one poll of the dispatcher, 5 ended runs", "queueing a run, 5 ended runs",
        "one poll for each of 100 waiting runs",
    ]  # fmt: skip
    assert all(0 < figure["lowest"] <= figure["median"] for figure in figures.values())


def test_a_count_that_cannot_be_is_refused():
    done = bench("store", "--count", "0")
    assert done.returncode == 2
    assert "--count" in done.stderr


@pytest.mark.parametrize(("values", "median", "met"), [([3.0, 1.0, 2.0], 2.0, True), ([5.0, 4.0], 4.5, False)])
def test_a_figure_is_its_median_beside_its_goal(values, median, met):
    figure = Figure("x", "ms", values, 4.0)
    assert (figure.median, figure.met) == (median, met)
    assert Figure("x", "ms", values).met is None


def test_what_is_generated_is_a_store_like_any_other(tmp_path):
    rows = Catalog(make_store(tmp_path / "runs", 60)).rows()
    assert [row["name"] for row in rows] == [f"run{number}" for number in range(1, 61)]
    assert {row["error"] for row in rows} == {""}
    assert {row["state"] for row in rows} == {"finished", "failed"}
    run = Run(tmp_path / "long")
    make_metrics(run.paths, 3000)
    history = run.history()
    assert history.damaged == 0
    assert set(history.columns) == {*FIVE, "knn"}
    assert history.points("loss").steps == list(range(1, 3001))


def test_streaming_is_measured_in_turns_with_torchvision():
    done = bench("data", "--count", "64", "--repeat", "1", "--json")
    assert done.returncode == 0, done.stderr
    told = {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}
    for name in ("crop and flip", "all of §A"):
        mine, other = told[f"{name}: streamed"], told[f"{name}: torchvision"]
        assert mine["n"] == other["n"] == 1
        assert mine["lowest"] > 0
        ratio = told[f"{name}: times torchvision"]["lowest"]
        assert mine["lowest"] / other["highest"] <= ratio <= mine["highest"] / other["lowest"]
    assert told["looking at 640 files"]["n"] == told["its peak memory"]["n"] == 1
    assert 10 < told["its peak memory"]["highest"] < 600, "MB of the look, not of the benchmark, which holds torch"
    assert 10 < told["a file of 224 px"]["median"] < 40, "kB, as a photograph of that size has"


TINY = ["--width", "0.125", "--image-size", "16", "--bs", "8", "--steps", "1", "--repeat", "2", "--threads", "1"]


def peer_that_prints(tmp_path, words):
    script = tmp_path / "peer.py"
    script.write_text(
        f"import os\nprint('its own words')\nassert 'MALLOC_TRIM_THRESHOLD_' not in os.environ\nprint({words!r})\n"
    )
    return f"{sys.executable} {script}"


def test_training_is_measured_in_turns_with_a_peer(tmp_path):
    peer = peer_that_prints(tmp_path, '{"images_per_s": 2.5}')
    done = bench("train", "--preset", "quick", *TINY, "--precision", "fp32", "--peer", peer, "--managed", "--json")
    assert done.returncode == 0, done.stderr
    told = {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}
    assert told["the peer"]["median"] == 2.5
    assert told["the peer"]["n"] == told["fp32"]["n"] == told["times the peer"]["n"] == 2
    assert told["times the peer"]["highest"] == pytest.approx(told["fp32"]["highest"] / 2.5)
    runs, cost = told["simclr run, dashboard open"], told["cost of being managed"]
    assert runs["n"] == 2
    assert runs["lowest"] > 0
    assert cost["median"] < 100
    work, peak = told["share of that in training"], told["matrix product, fp32"]
    assert 0 < work["median"] < 100
    assert peak["lowest"] > 0
    parts = {name for name in told if name.startswith("a step: ")}
    assert parts == {
        f"a step: {part}" for part in ("images", "drawing", "views", "forward", "loss", "backward", "update")
    }
    assert "fp32, contiguous" in told or "bf16, contiguous" in told


def test_a_peer_without_a_figure_is_one_sentence(tmp_path):
    done = bench("train", "--preset", "quick", *TINY, "--peer", peer_that_prints(tmp_path, "no figure"))
    assert done.returncode == 1
    assert "no images_per_s" in done.stderr


def of(place):
    """The processes whose temporary files are in `place`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(place) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_measures_ends_with_the_command_and_leaves_nothing(tmp_path, number):
    """Killed while the dashboard is open that is measured: three processes and a generated store."""
    command = [sys.executable, "-m", "simclr_tui.cli.main", "bench", "dashboard", "--count", "50"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    asking = subprocess.Popen(command, env=environment, **quiet)
    until(lambda: any("tui" in process.cmdline() for process in of(tmp_path)), what="the dashboard")
    assert len(of(tmp_path)) >= 3
    assert list(tmp_path.iterdir())
    asking.send_signal(number)
    asking.wait(timeout=60)
    until(lambda: not of(tmp_path), what="the end of all")
    assert list(tmp_path.iterdir()) == []
