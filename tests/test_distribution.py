"""What is built for others to install holds the package and nothing else, and runs where it is installed."""

from __future__ import annotations

import re
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


def test_a_wheel_built_from_the_source_distribution_is_the_same(built, tmp_path):
    with tarfile.open(built[".gz"]) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path), cwd=source)
    (again,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built[".whl"]) as one, zipfile.ZipFile(again) as other:
        assert {item.filename: item.CRC for item in one.infolist()} == {
            item.filename: item.CRC for item in other.infolist()
        }


def test_the_readme_of_an_index_has_no_link_that_is_dead_there(built):
    with zipfile.ZipFile(built[".whl"]) as wheel:
        metadata = wheel.read(f"simclr_tui-{__version__}.dist-info/METADATA").decode()
    head, _, shown = metadata.partition("\n\n")
    assert "Description-Content-Type: text/markdown" in head
    assert [target for target in re.findall(r"\]\(([^)]*)\)", shown) if not target.startswith("https://")] == []
    assert "docs/reliability.md lists every" in " ".join(shown.split())


@pytest.fixture(scope="module")
def python(built, tmp_path_factory) -> Path:
    """Python of an environment into which nothing but the wheel is installed, beside what it depends on."""
    python = bare_python(tmp_path_factory.mktemp("installed") / "venv")
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    run(*pip, "install", "-q", "--no-deps", "--no-index", "--disable-pip-version-check", str(built[".whl"]))
    return python


def bare_python(folder: Path) -> Path:
    """Python of a new environment that has what we depend on, torch included, and not the package."""
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(f"{Path(typer.__file__).parents[1]}\n")
    return folder / "bin" / "python"


def test_the_installed_wheel_runs_in_an_environment_of_its_own(python, tmp_path):
    where = run(str(python), "-c", "import simclr_tui; print(simclr_tui.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(python.parents[1])
    simclr = str(python.with_name("simclr"))
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
