"""What is built for others to install holds the package and nothing else, and runs where it is installed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import typer

from simclr_tui.version import __version__

TOP = Path(__file__).parents[1]
PACKAGE = TOP / "simclr_tui"


def run(*words: str, **given) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> dict[str, Path]:
    """The wheel and the source distribution, by suffix."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", str(folder), cwd=TOP)
    return {path.suffix: path for path in folder.iterdir()}


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(built):
    with zipfile.ZipFile(built[".whl"]) as wheel:
        names = set(wheel.namelist())
    there = {
        path.relative_to(TOP).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if not name.startswith(f"simclr_tui-{__version__}.dist-info/")} == there
    assert {"simclr_tui/recipe/presets/quick.toml", "simclr_tui/py.typed"} <= names
    assert f"simclr_tui-{__version__}.dist-info/licenses/LICENSE" in names


def test_the_source_distribution_holds_tests_and_docs_but_no_runs(built):
    with tarfile.open(built[".gz"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "docs/README.md", "tests/test_distribution.py"} <= names
    assert {name for name in names if name.startswith(("runs/", ".venv", "dist/"))} == set()


def test_the_installed_wheel_runs_in_an_environment_of_its_own(built, tmp_path):
    run(sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv"))
    python = tmp_path / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    run(*pip, "install", "-q", "--no-deps", "--no-index", "--disable-pip-version-check", str(built[".whl"]))
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(f"{Path(typer.__file__).parents[1]}\n")
    where = run(str(python), "-c", "import simclr_tui; print(simclr_tui.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(site)
    simclr = str(tmp_path / "venv" / "bin" / "simclr")
    assert run(simclr, "--version", cwd=tmp_path) == f"simclr-tui {__version__}\n"
    assert "Train SimCLR in its own process" in " ".join(run(simclr, "--help", cwd=tmp_path).split())
    assert "quick" in run(simclr, "run", "--help", cwd=tmp_path)


def test_every_extra_that_a_message_names_exists():
    declared = set(
        tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    )
    for path in PACKAGE.rglob("*.py"):
        for part in path.read_text(encoding="utf-8").split("simclr-tui[")[1:]:
            named = part.partition("]")[0]
            assert "{" in named or named in declared, f"{path.name}: {named}"
