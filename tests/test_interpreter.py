"""Python is started through one door, and the folder that a command is typed in is nobody's library."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import simclr_tui
from simclr_tui.interpreter import extra_command, install_command, python, python_module
from simclr_tui.launch.trainer_process import Meeting, trainer_command
from simclr_tui.store.store import Store
from tests.training import TINY, tiny_run, until

PACKAGE = Path(simclr_tui.__file__).parent
HOSTILE = ("random.py", "queue.py", "torch.py", "numpy.py", "psutil.py", "typing.py", "simclr_tui.py")


def test_nobody_else_names_the_interpreter():
    named = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("executable", "_base_executable")
    ]
    assert [place for place in named if not place.startswith("interpreter.py")] == []


def test_a_child_does_not_search_the_current_folder(tmp_path):
    (tmp_path / "random.py").write_text("raise SystemExit('executed')")
    for command in (python("-c", "import random"), python_module("random")):
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60).returncode == 0


def test_each_trainer_of_several_is_started_so(tmp_path):
    run = tiny_run(tmp_path, gpus="2", device="cpu")
    for meeting in (None, Meeting(nodes=2, host="localhost", port=1)):
        assert "-P" in trainer_command(run, meeting)


@pytest.mark.parametrize("how", [["--detach"], ["--queue"]])
def test_modules_beside_the_user_are_never_executed(tmp_path, how, fault):
    """Supervisor, dispatcher and trainer, each named by its own words in the process table, all start here."""
    folder, store = tmp_path / "work", tmp_path / "runs"
    folder.mkdir()
    tried = HOSTILE[: fault("F35", len(HOSTILE), "modules named as Python's and ours", few=len(HOSTILE))]
    for name in tried:
        (folder / name).write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write(__file__)\nraise SystemExit(1)")
    flags = [f"--{key.replace('_', '-')}={value}" for key, value in TINY.items() if key not in ("preset",)]
    command = python_module("simclr_tui.cli.main", "run", "--preset", "quick", *flags, *how, "--runs", str(store))
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "run1\n"), done.stderr
    run = Store(store).run("run1")
    until(lambda: run.state not in ("queued", "starting", "running"), what="the run to end")
    assert run.state == "finished", run.status.reason
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("activated", [True, False])
def test_packages_are_installed_where_the_program_runs(tmp_path, monkeypatch, activated):
    mine = tmp_path / "my env" / "bin"
    for folder in (mine, tmp_path / "other"):
        folder.mkdir(parents=True)
        (folder / "pip").touch(0o755)
    monkeypatch.setattr(sys, "executable", str(mine / "python"))
    monkeypatch.setenv("PATH", str(mine if activated else tmp_path / "other"))
    pip = "pip" if activated else f"'{mine}/python' -m pip"
    assert extra_command("plot") == f"{pip} install 'simclr-tui[plot]'"
    assert install_command("-U", "torch", "torchvision==0.28.*") == f"{pip} install -U torch 'torchvision==0.28.*'"
