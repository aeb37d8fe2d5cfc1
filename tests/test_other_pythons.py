"""Every other Python that pyproject.toml names: the tests of the control plane and its commands, without torch.

What trains was tried with them by hand (CONTRIBUTING.md).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OTHERS = [
    version
    for version in re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    if version != f"3.{sys.version_info.minor}"
]
TOOLS = ["pytest", "pytest-asyncio", "pytest-timeout", "pytest-xdist", "hypothesis", "pyte"]
ROOMS = [
    "tests/store", "--ignore=tests/store/export", "tests/catalog", "tests/display", "tests/hardware", "tests/tui/runs",
    "tests/cli/test_table.py", "tests/test_text.py", "tests/test_config.py", "tests/test_atomic.py",
]  # fmt: skip
pytestmark = pytest.mark.timeout(900)  # a minute of processor time for each version, perhaps on a busy machine


def interpreter(version: str) -> str | None:
    """Return an interpreter of this version that runs: on the path, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(f"python{version}"), *pyenv.glob(f"{version}.*/bin/python")]
    for path in filter(None, found):
        asked = subprocess.run([path, "-c", "import ensurepip"], capture_output=True, timeout=100)
        if asked.returncode == 0:
            return str(path)
    return None


def run(*command: str, **options) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=850, **options)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module", params=OTHERS)
def python(request, tmp_path_factory):
    """The interpreter of a new environment that holds all that the package needs but torch."""
    base = interpreter(request.param)
    if base is None:
        pytest.skip(f"Python {request.param} is not installed: nothing was run with it")
    folder = tmp_path_factory.mktemp(f"python{request.param}")
    run(base, "-m", "venv", str(folder))
    python = str(folder / "bin" / "python")
    needed = [package for package in PROJECT["dependencies"] if not package.startswith("torch")]
    run(python, "-m", "pip", "install", "-q", "-c", "constraints.txt", *needed, *TOOLS)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "simclr.pth").write_text(f"{ROOT}\n")
    return python


def test_the_control_planes_tests_pass(python):
    said = run(python, "-W", "error::SyntaxWarning", "-m", "pytest", "-q", "-p", "no:cacheprovider", *ROOMS)
    assert int(re.search(r"(\d+) passed", said)[1]) > 500


def test_every_module_compiles_and_commands_answer(python, tmp_path):
    cache = os.environ | {"PYTHONPYCACHEPREFIX": str(tmp_path)}
    run(python, "-W", "error", "-m", "compileall", "-q", "-f", "simclr_tui", env=cache)
    assert "--preset" in run(python, "-m", "simclr_tui.cli.main", "run", "--help")
    picture = tmp_path / "screen.svg"
    run(python, "-m", "simclr_tui.cli.main", "tui", "--runs", str(tmp_path / "runs"), "--snapshot", str(picture))
    assert "<svg" in picture.read_text()
