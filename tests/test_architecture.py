"""Arrows point down. The linter sees every import statement; a clean interpreter sees what is imported in fact."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import simclr_tui
from tests.run_factory import make_run, metric_line, write_metrics

ROOT = Path(__file__).resolve().parents[1]
TRAINING = {"torch", "torchvision", "numpy", "PIL"}
SCREENS = {"textual", "textual_plotext", "plotext", "rich", "typer"}
DATABASES = {"sqlite3", "sqlite_utils"}
# Libraries of extras, by the names that they are imported by; on the index some are called otherwise.
READERS = {"tifffile", "imagecodecs", "pydicom", "pillow_heif", "h5py", "pyarrow", "datasets", "timm"}

# What a program imports first → what must then not be there.
ENTRY_POINTS = {
    "import simclr_tui": TRAINING | SCREENS | DATABASES | {"msgspec", "simclr_tui.recipe"},
    "from simclr_tui import Recipe, open_run, runs": TRAINING | SCREENS | DATABASES,
    "import simclr_tui.store.store": TRAINING | SCREENS | DATABASES,
    "import simclr_tui.catalog.catalog, simclr_tui.catalog.compare": TRAINING | SCREENS | {"sqlite_utils"},
    "import simclr_tui.hardware.sampler": TRAINING | SCREENS | DATABASES,
    "import simclr_tui.launch.start, simclr_tui.launch.stop": TRAINING | SCREENS | DATABASES,
    "import simclr_tui.launch.queue.queue, simclr_tui.launch.queue.dispatcher": TRAINING
    | SCREENS
    | DATABASES
    | {"submitit"},
    "import simclr_tui.sweep.control, simclr_tui.sweep.driver, simclr_tui.sweep.optuna_study": TRAINING
    | SCREENS
    | {"sqlite_utils", "optuna", "submitit"},
    "import simclr_tui.launch.slurm.jobs, simclr_tui.launch.slurm.job_main, simclr_tui.launch.slurm_job": TRAINING
    | SCREENS
    | DATABASES
    | {"submitit"},
    "import simclr_tui.launch.tasks, simclr_tui.store.export.metrics": TRAINING | SCREENS | DATABASES | {"pyarrow"},
    "import simclr_tui.launch.supervisor": TRAINING | SCREENS | DATABASES,
    "import simclr_tui.display.state_facts, simclr_tui.display.halfblocks": TRAINING | SCREENS | DATABASES,
    "import simclr_tui.tasks.export, simclr_tui.tasks.embed, simclr_tui.tasks.preview": SCREENS | DATABASES,
    "import simclr_tui.cli.main": TRAINING
    | (SCREENS - {"typer"})
    | DATABASES
    | {"msgspec", "simclr_tui.cli.commands.ls"},
    "import simclr_tui.train.__main__": TRAINING | SCREENS | DATABASES,
    "import simclr_tui.bench.__main__": TRAINING | SCREENS | DATABASES,
    "import simclr_tui.evaluate.__main__": TRAINING | SCREENS | DATABASES,
}


def loaded_by(code: str) -> set[str]:
    """The modules that a clean interpreter holds after `code`."""
    command = [sys.executable, "-c", f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_import_contracts_hold():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("code", ENTRY_POINTS)
def test_an_entry_point_imports_only_what_it_needs(code):
    assert not loaded_by(code) & ENTRY_POINTS[code]


VERBS = {
    "--help": (SCREENS - {"typer"}) | {"msgspec", "simclr_tui.cli.commands.run"},
    "run --help": SCREENS - {"rich", "typer"},
    "ls": SCREENS - {"rich", "typer"},
    "show run1": SCREENS - {"rich", "typer"},
    "queue ls": SCREENS - {"rich", "typer"},
    "sweep --help": SCREENS - {"rich", "typer"} | {"optuna"},
    "eval --help": SCREENS - {"rich", "typer"},
    "compare run1 run2": SCREENS - {"rich", "typer", "plotext"},
    "tui --snapshot FRAME.svg": set(),
}


@pytest.mark.parametrize("words", VERBS)
def test_a_verb_never_imports_torch(words, tmp_path):
    root = tmp_path / "runs"
    for name in ("run1", "run2"):
        run = make_run(root, name, summary={"loss": 5.0, "knn": 0.5})
        write_metrics(run.paths, 1, [metric_line(step, loss=5.0 - step) for step in (1, 2)])
    words = words.replace("FRAME", str(tmp_path / "frame"))
    code = (
        "import sys, pathlib\n"
        f"sys.argv = ['simclr', *{words.split()!r}]\n"
        "from simclr_tui.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"pathlib.Path({str(tmp_path / 'modules')!r}).write_text(' '.join(sys.modules))"
    )
    environment = os.environ | {"SIMCLR_RUNS": str(root)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set((tmp_path / "modules").read_text().split())
    assert not loaded & (VERBS.get(words, set()) | READERS | {"torch", "torchvision", "simclr_tui.train.loop"})
    if words.startswith("tui"):
        assert (tmp_path / "frame.svg").read_text().startswith("<svg")


def test_the_base_install_brings_no_reader_of_an_extra():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    needed = {re.split(r"[^\w-]", word)[0].replace("-", "_") for word in project["dependencies"]}
    offered = {re.split(r"[^\w-]", word)[0].replace("-", "_") for extra in project["optional-dependencies"].values()
               for word in extra}  # fmt: skip
    assert offered >= READERS
    assert not READERS & needed


@pytest.mark.parametrize("command", ["ruff check .", "ruff format --check .", "mypy"])
def test_style_and_types_hold(command):
    program, *words = command.split()
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *words], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_looking_at_a_store_does_not_import_what_only_writing_needs(tmp_path):
    code = (
        "from pathlib import Path\n"
        "from simclr_tui.catalog.catalog import Catalog\n"
        "from simclr_tui.store.store import Store\n"
        f"Catalog(Store(Path({str(tmp_path)!r}))).rows()"
    )
    assert not loaded_by(code) & ({"sqlite_utils"} | TRAINING)


def test_the_public_surface_is_what_is_told():
    assert set(simclr_tui.__all__) <= set(dir(simclr_tui))
    for name in set(simclr_tui.__all__) - {"load_encoder"}:  # the one that imports torch
        assert getattr(simclr_tui, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        simclr_tui.nothing  # noqa: B018


INERT = ROOT / "simclr_tui/train/model/weights/read.py"
RUNS_WHAT_IT_READS = {"yaml", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle", "xmlrpc"}


def test_no_module_reads_what_can_run():
    """Formats whose reading can run code are not read; of pickle, torch's own error alone is named.

    `InertUnpickler` resolves the names that tensors are made of and no others; F24 and its own tests attack it.
    """
    for path in (ROOT / "simclr_tui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & RUNS_WHAT_IT_READS, f"{path}:{node.lineno}"
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "pickle":
                allowed = {"UnpicklingError"} | ({"Unpickler"} if path == INERT else set())
                assert node.attr in allowed, f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", sorted((ROOT / "simclr_tui").rglob("*.py")), ids=lambda path: path.name)
def test_no_module_shouts_swallows_or_shells(path):
    """No `except Exception: pass`, no shell, no pickle, no print outside the faces and the processes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"bare except in line {node.lineno}"
            broad = isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
            assert not (broad and isinstance(node.body[0], ast.Pass)), f"swallowed in line {node.lineno}"
        if isinstance(node, ast.Call):
            named = ast.unparse(node.func)
            assert named not in ("os.system", "os.popen", "eval", "exec", "pickle.load", "pickle.loads"), node.lineno
            loads = [keyword for keyword in node.keywords if keyword.arg == "weights_only"]
            inert = any(ast.unparse(keyword) == "pickle_module=_INERT_PICKLE" for keyword in node.keywords)
            safe = [ast.unparse(load.value) for load in loads] == ["True"] or (inert and path == INERT)
            assert named != "torch.load" or safe, node.lineno
            shell = [keyword for keyword in node.keywords if keyword.arg == "shell"]
            assert not shell, f"a shell in line {node.lineno}"
