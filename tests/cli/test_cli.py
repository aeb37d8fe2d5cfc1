"""The command line as a person or a script meets it: real processes, exit codes, two streams."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from functools import partial
from pathlib import Path

import pytest

from simclr_tui.doctor import check_store
from simclr_tui.errors import ExitCode
from simclr_tui.launch.stop import kill
from simclr_tui.store.store import Store
from tests.run_factory import make_run, metric_line, write_metrics
from tests.training import TINY, until

FLAGS = [
    word
    for key, value in {
        "--data": "shapes", "--subset": 96, "--bs": 16, "--epochs": 2, "--width": 0.125, "--image-size": 16,
        "--head-dim": 8, "--knn-every": 1, "--knn-k": 20, "--warmup": 0.5, "--threads": 1, "--device": "cpu",
    }.items()
    for word in (key, str(value))
]  # fmt: skip


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "runs"
    yield root
    store = Store(root)
    for name in store.names() if root.is_dir() else []:
        if store.run(name).state in ("starting", "running"):
            kill(store.run(name))


def simclr(root: Path, *words: str, **options) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SIMCLR_RUNS": str(root), "COLUMNS": "120"}
    command = [sys.executable, "-m", "simclr_tui.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, **options)


def finished_pair(root: Path) -> None:
    for name, temperature, final in (("run1", 0.5, 0.62), ("run2", 0.1, 0.71)):
        run = make_run(
            root, name, flags={"data": "shapes", "temp": temperature}, step=20, steps=20, steps_per_epoch=10,
            summary={"loss": 5.0, "knn": final, "knn_first": 0.2, "knn_best": final, "images_per_s": 600.0},
        )  # fmt: skip
        lines = [metric_line(0, knn=0.2)]
        lines += [metric_line(step, loss=6 - step / 20, contrastive_top1=step / 40) for step in range(1, 21)]
        write_metrics(run.paths, 1, [*lines, metric_line(20, knn=final)])


def test_run_trains_shows_its_curve_and_ends_well(root):
    done = simclr(root, "run", *FLAGS, "--name", "first")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    for words in ("first", "loss", "kNN", "before the first step", "finished", "simclr show first"):
        assert words in done.stderr
    shown = json.loads(simclr(root, "show", "first", "--json").stdout)
    assert {"name", "state", "recipe", "summary", "path"} <= shown.keys()
    assert (shown["name"], shown["state"]) == ("first", "finished")
    assert shown["recipe"]["bs"] == TINY["bs"]
    assert shown["sources"]["batch_size"] == "flag"
    assert Path(shown["path"]) == root / "first"


def test_detached_stop_resume_logs_and_ls(root):
    long = [*FLAGS, "--epochs", "100000", "--knn-every", "0", "--checkpoint-every", "3"]
    name = simclr(root, "run", *long, "-d").stdout.strip()
    assert name == "run1"
    metrics = root / name / "attempt-0001" / "metrics.jsonl"
    until(lambda: metrics.exists() and metrics.read_bytes().count(b"\n") > 2)
    rows = json.loads(simclr(root, "ls", "state:running", "--json").stdout)
    assert [row["name"] for row in rows] == ["run1"]
    stopped = simclr(root, "stop", "@last")
    assert stopped.returncode == 0
    assert "stopped at step" in stopped.stderr
    assert "epoch 1/" in simclr(root, "logs", "run1").stdout
    assert simclr(root, "resume", "run1", "-d").stdout.strip() == "run1"
    refused = simclr(root, "resume", "run1", "-d")
    assert refused.returncode == 5
    assert "already training" in refused.stderr
    refused = simclr(root, "rm", "run1", "--yes")
    assert refused.returncode == 5
    assert "is training" in refused.stderr
    assert simclr(root, "stop", "run1", "--kill").returncode == 0


def test_interrupt_stops_with_a_checkpoint(root):
    environment = os.environ | {"SIMCLR_RUNS": str(root)}
    command = [sys.executable, "-m", "simclr_tui.cli.main", "run", *FLAGS, "--epochs", "100000", "--knn-every", "0"]
    # Whoever runs the tests in the background had the signal ignored for all its children.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, preexec_fn=heard)
    metrics = root / "run1" / "attempt-0001" / "metrics.jsonl"
    until(lambda: metrics.exists() and metrics.read_bytes().count(b"\n") > 2)
    process.send_signal(signal.SIGINT)
    _, talk = process.communicate(timeout=60)
    assert process.returncode == 9
    assert "Stopping" in talk
    assert "simclr resume run1" in talk
    run = Store(root).run("run1")
    assert run.state == "stopped"
    assert run.checkpoints[0].step == run.status.step


@pytest.mark.parametrize("ignored", [False, True], ids=["SIGHUP", "SIGHUP ignored"])
def test_closing_the_terminal_ends_the_command_and_not_the_run(root, ignored):
    """A real terminal, hung up, also below something that ignores the signal (nohup, a service)."""
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
        os.environ["SIMCLR_RUNS"] = str(root)
        os.environ["TERM"] = "xterm-256color"
        words = ["run", *FLAGS, "--epochs", "100000", "--knn-every", "0"]
        os.execv(sys.executable, [sys.executable, "-m", "simclr_tui.cli.main", *words])
    screen = b""
    deadline = time.monotonic() + 60
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    while b"img/s" not in screen and time.monotonic() < deadline:
        screen += os.read(terminal, 65536)
    assert b"img/s" in screen
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    ended_by_signal = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGHUP
    assert ended_by_signal if not ignored else os.waitstatus_to_exitcode(status) == ExitCode.HANGUP
    run = Store(root).run("run1")
    before = run.history().step[-1]
    until(lambda: run.history().step[-1] > before + 2)
    assert run.state == "running"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "--data", "cfar10"], 4, "did you mean cifar10"),
        (["run", "--data", "folder:/nowhere/at/all"], 4, "/nowhere/at/all"),
        (["run", "--bs", "0"], 2, "--bs must be a whole number ≥ 2"),
        (["run", "--temp", "-1"], 2, "--temp must be a number > 0"),
        (["run", "--data", "shapes", "--subset", "100"], 4, "does not fit into 100"),
        (["run", "bs=256"], 2, "recipe fields are options: --bs 256"),
        (["run", "crop_min=0.2"], 2, "recipe fields are options: --crop-min 0.2"),
        (["run", "temprature=1"], 2, "no field 'temprature' — did you mean temperature"),
        (["sweep", "temp=0.1,0.5"], 2, "recipe fields are options: --temp 0.1,0.5"),
        (["run", "--preset", "qick"], 2, "did you mean quick"),
        (["run", "--config", "/nowhere.toml"], 2, "/nowhere.toml"),
        (["run", *FLAGS, "--name", "../x"], 5, "cannot name a run"),
        (["show", "run9"], 3, "no run 'run9'"),
        (["compare", "run1"], 2, "two runs"),
        (["ls", "bs>=many"], 2, "compared with a number"),
        (["ls", "--sort", "knnn"], 2, "did you mean knn"),
        (["resume", "run9"], 3, "no run"),
        (["rm", "run9", "--yes"], 3, "no run"),
        (["tui", "--snapshot", "x.svg", "--size", "big"], 2, "120x36"),
    ],
)
def test_bad_input_is_one_line_an_exit_code_and_nothing_left_behind(root, words, code, said):
    done = simclr(root, *words)
    assert done.returncode == code, done.stderr
    last = [line for line in done.stderr.splitlines() if line.startswith("simclr: ")]
    assert len(last) == 1
    assert said in last[0]
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert not root.exists() or not [entry for entry in root.iterdir() if entry.is_dir()]


def test_a_mistyped_run_is_named(root):
    make_run(root, "run1")
    done = simclr(root, "show", "rnu1")
    assert done.returncode == 3
    assert "did you mean run1?" in done.stderr


def test_a_store_that_cannot_be_written_fails_at_once(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    done = simclr(blocker / "runs", "run", *FLAGS)
    assert done.returncode == 5
    assert "cannot" in done.stderr
    assert done.stderr.count("simclr: ") == 1


def test_compare_shows_the_differing_field_both_curves_and_the_better_run(root):
    finished_pair(root)
    shown = simclr(root, "compare", "run1", "run2").stdout
    assert "temp" in shown
    assert "bs" not in shown.split()
    assert "71.0% *" in shown
    assert "62.0% *" not in shown
    assert shown.count("⠤⠤ run1  ⠤⠤ run2") == 2, "loss and kNN, each with its legend"
    found = json.loads(simclr(root, "compare", "run1", "run2", "--json").stdout)
    assert found["differences"] == {"temp": [0.5, 0.1]}
    assert found["measures"]["knn"] == {"values": [0.62, 0.71], "unit": "%", "better": "run2"}
    assert found["measures"]["loss"]["better"] is None  # another temperature is another scale
    rows = list(csv.reader(io.StringIO(simclr(root, "compare", "run1", "run2", "--csv").stdout)))
    assert rows[0] == ["", "run1", "run2"]
    assert ["temp", "0.5", "0.1"] in rows
    assert simclr(root, "compare", "run1", "run2", "--markdown").stdout.startswith("|  | run1 | run2 |\n| --- |")
    assert "no data yet" in simclr(root, "compare", "run1", "run2", "-m", "rank_h").stdout


def test_ls_filters_sorts_and_limits(root):
    finished_pair(root)
    rows = json.loads(simclr(root, "ls", "--sort", "knn", "--json").stdout)
    assert [row["name"] for row in rows] == ["run2", "run1"]
    assert [r["name"] for r in json.loads(simclr(root, "ls", "temp<0.2", "--json").stdout)] == ["run2"]
    assert [r["name"] for r in json.loads(simclr(root, "ls", "-l", "1", "--json").stdout)] == ["run2"]
    assert "no runs match" in simclr(root, "ls", "temp>9").stderr


def test_edit_remove_restore_and_reindex(root):
    finished_pair(root)
    assert simclr(root, "edit", "run1", "--tag", "paper", "--note", "hello", "--name", "mine").returncode == 0
    row = json.loads(simclr(root, "ls", "tag:paper", "--json").stdout)[0]
    assert (row["name"], row["tags"], row["note"]) == ("mine", ["paper"], "hello")
    unasked = simclr(root, "rm", "mine", stdin=subprocess.DEVNULL)
    assert unasked.returncode == 5
    assert "--yes" in unasked.stderr
    assert simclr(root, "rm", "mine", "--yes").returncode == 0
    assert simclr(root, "trash", "ls").stdout.split() == ["mine"]
    assert simclr(root, "trash", "restore", "mine").returncode == 0
    (root / "catalog.db").unlink()
    assert "2 runs" in simclr(root, "reindex").stderr
    assert {r["name"] for r in json.loads(simclr(root, "ls", "--json").stdout)} == {"mine", "run2"}


@pytest.mark.parametrize("name", ["my run", "run-😀", "cafe\N{COMBINING ACUTE ACCENT}", "-1"])
def test_a_run_moved_by_hand_to_a_name_that_no_run_can_have_is_said_to_be_missing(root, name):
    finished_pair(root)
    (root / "run1").rename(root / name)
    (root / "notes of mine").mkdir()  # no run
    for words in (["ls"], ["reindex"]):
        said = simclr(root, *words).stderr
        assert f"a folder holds a run that is not listed, since its name cannot be a run's: '{name}'; rename" in said
    assert name in check_store(root).finding
    (root / name).rename(root / "mine")
    assert "not listed" not in simclr(root, "ls").stderr


def test_control_bytes_of_others_never_reach_the_terminal(root):
    run = make_run(root, "run1", note="\x1b]0;title\x07 \x9b31m \u202e[/bold]", reason="\x1b[2J boom", state="failed")
    run.paths.attempt(1).log.write_bytes(b"line \x1b[31mred\x1b[0m\r 50%\r100%\n\xff\xfe\n")
    for words in (["ls"], ["show", "run1"], ["logs", "run1"]):
        printed = simclr(root, *words).stdout
        assert not any(char in printed for char in "\x1b\x07\x9b\u202e\r"), words
    assert "100%" in simclr(root, "logs", "run1").stdout


def test_a_reader_that_leaves_early_is_not_an_error(root):
    finished_pair(root)
    environment = os.environ | {"SIMCLR_RUNS": str(root)}
    shell = f"{sys.executable} -m simclr_tui.cli.main show run1; echo code $? >&2"
    done = subprocess.run(["sh", "-c", f"({shell}) | true"], capture_output=True, text=True, env=environment)
    assert "Traceback" not in done.stderr


def test_data_and_doctor_tell_what_there_is(root):
    listed = simclr(root, "data", "ls").stdout
    assert "cifar10" in listed
    assert "shapes" in listed
    findings = json.loads(simclr(root, "doctor", "--json").stdout)
    subjects = {finding["subject"]: finding["verdict"] for finding in findings}
    assert {"program", "torch", "store", "locks", "disk"} <= subjects.keys()
    assert subjects["torch"] == "good"
    assert subjects["locks"] == "good"


def test_help_lists_every_verb_flag_and_exit_code(root):
    overview = simclr(root, "--help").stdout
    for verb in ("run", "tui", "compare", "ls", "show", "logs", "attach", "stop", "resume", "clone", "edit", "rm"):
        assert f" {verb} " in overview
    assert "5 store" in overview
    flags = simclr(root, "run", "--help").stdout
    for flag in ("--bs", "--temp", "--lr", "--epochs", "--data", "--encoder", "--width", "--image-size", "--precision"):
        assert flag in flags


def test_paragraphs_of_a_help_page_fill_its_lines(tmp_path):
    page = simclr(tmp_path, "sweep", "--help").stdout.splitlines()
    start = next(index for index, line in enumerate(page) if "A field with several values" in line)
    assert " ".join(" ".join(page[start : start + 3]).split()).endswith(
        "Ranges need --sampler random or tpe, and --trials."
    )
