"""Arrows point down. The linter sees every import statement; a clean interpreter sees what is imported in fact."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import simclr_tui

ROOT = Path(__file__).resolve().parents[1]
TRAINING = {"torch", "torchvision", "numpy", "PIL"}
SCREENS = {"textual", "textual_plotext", "plotext", "rich", "typer"}
DATABASES = {"sqlite3", "sqlite_utils"}

# What a program imports first → what must then not be there.
ENTRY_POINTS = {
    "import simclr_tui": TRAINING | SCREENS | DATABASES | {"msgspec", "simclr_tui.recipe"},
    "from simclr_tui import Recipe, open_run, runs": TRAINING | SCREENS | DATABASES,
    "import simclr_tui.store.store": TRAINING | SCREENS | DATABASES,
    "import simclr_tui.catalog.catalog, simclr_tui.catalog.compare": TRAINING | SCREENS | {"sqlite_utils"},
    "import simclr_tui.hardware.sampler": TRAINING | SCREENS | DATABASES,
    "import simclr_tui.launch.start, simclr_tui.launch.stop": TRAINING | SCREENS | DATABASES,
    "import simclr_tui.launch.supervisor": TRAINING | SCREENS | DATABASES,
    "import simclr_tui.cli.main": TRAINING | (SCREENS - {"rich", "typer"}) | {"sqlite_utils"},
    "import simclr_tui.train.__main__": TRAINING | SCREENS | DATABASES,
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
            shell = [keyword for keyword in node.keywords if keyword.arg == "shell"]
            assert not shell, f"a shell in line {node.lineno}"
