"""What is built for others to install holds the package and nothing else, and runs where it is installed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import typer
from PIL import Image

from simclr_tui.atomic import is_locked
from simclr_tui.store.store import Store
from simclr_tui.sweep.folder import SweepFolder
from simclr_tui.version import __version__
from tests.launch.ended import end_queue
from tests.training import until

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
        text = path.read_text(encoding="utf-8")
        for named in re.findall(r"simclr-tui\[([^\]{]+)\]|extra_command\(['\"](\w+)", text):
            assert "".join(named) in declared, f"{path.name}: {named}"


TINY = shlex.split(
    "--preset quick --subset 160 --bs 16 --epochs 1 --width 0.125 --image-size 16 --head-dim 8 --knn-k 5 --threads 1"
    " --device cpu --precision fp32"
)
WALKED = {  # the README's commands that this test runs, and what makes them quick: a later option wins
    "simclr run": TINY,
    "simclr data inspect folder:~/photos": [],
    "simclr run --data folder:~/photos --image-size 64 --epochs 50": TINY,
    "simclr sweep --temp 0.1:1.0:log --bs 256,512 --sampler tpe --trials 20": [*TINY, "--bs", "16,32", "--trials", "2"],
    "simclr ls 'knn>60% temp<0.5' --sort knn": [],
    "simclr compare run1 run2": [],
    "simclr export run1 --encoder encoder/": [],
    "simclr export run1 --metrics m.csv": [],
    "simclr plot run1 run2 -o curves.pdf": [],
    "simclr report run1 run2 -o report.html": ["--no-images"],
    "sqlite-utils query runs/catalog.db 'select name, bs, temp, knn from runs'": [],
}
ELSEWHERE = {  # the others, and the tests that run them
    "simclr tui": "tests/tui/terminal",
    "simclr preview --data folder:~/photos": "tests/tasks/test_image_tasks.py",
    "simclr neighbors run2 ~/photos/cat.jpg": "tests/tasks/test_image_tasks.py",
    "simclr run --preset cifar10-sgd --data cifar10 -d": "tests/cli/test_cli.py",
    "simclr run --bs 4096 --micro-batch auto": "tests/train/optim/test_grad_cache.py",
    "simclr run --gpus all": "tests/train/test_distributed.py",
    "simclr run --queue --temp 0.1": "tests/cli/commands/test_queue_and_sweep.py",
    "simclr run --queue --temp 0.5": "tests/cli/commands/test_queue_and_sweep.py",
    "simclr run --on slurm --time 8h": "tests/launch/slurm",
    "simclr eval run1": "tests/cli/commands/test_evaluate.py",
    "simclr export run1 --encoder e.safetensors": "tests/tasks/test_export.py",
    "simclr embed run1 --out h.parquet": "tests/tasks/test_image_tasks.py",
    "simclr import tensorboard:~/old/logs --set data=cifar10 --set temp=0.5": "tests/imports/test_sources.py",
}


def readme_commands() -> list[str]:
    """The commands in the README's blocks for a store, as they are printed, without comments."""
    blocks = re.findall(r"(?ms)^```\n(.*?)^```$", (TOP / "README.md").read_text(encoding="utf-8"))
    lines = [line.partition("  #")[0] for block in blocks for line in block.splitlines()]
    parts = [part.strip().removeprefix(".venv/bin/") for line in lines for part in re.split(r" ; | && ", line)]
    return [part for part in parts if part.startswith(("simclr ", "sqlite-utils "))]


def test_every_command_of_the_readme_is_run_by_some_test():
    assert set(readme_commands()) == WALKED.keys() | ELSEWHERE.keys()
    assert [place for place in ELSEWHERE.values() if not (TOP / place).exists()] == []


def test_the_readme_leads_from_the_wheel_to_an_encoder_that_is_used_elsewhere(python, tmp_path):
    """Install, train, look at own images, sweep, compare, plot, report, export, and load without the package."""
    for needed in ("optuna", "matplotlib"):
        pytest.importorskip(needed)
    draw_photos(tmp_path / "photos")
    simclr = str(python.with_name("simclr"))
    store = Store(tmp_path / "runs")
    told = {}
    try:
        for command in readme_commands():
            if command in WALKED:
                program, *words = (word.replace("~", str(tmp_path)) for word in shlex.split(command))
                start = [simclr] if program == "simclr" else [str(python), "-m", program.replace("-", "_")]
                told[words[0]] = run(*start, *words, *WALKED[command], cwd=tmp_path)
        until(lambda: trial_states(store) == ["finished", "finished"], what="the sweep")
    finally:
        subprocess.run([simclr, "sweep", "stop", "sweep1"], cwd=tmp_path, capture_output=True, timeout=240, check=False)
        end_queue(store)
        until(lambda: not is_locked(SweepFolder(store, "sweep1").lock), what="the driver of the sweep to leave")
    assert "48 px" in told["data"]
    assert '"name": "run1", "bs": 16, "temp": 0.5' in told["query"]
    assert all(words in told["compare"] for words in ("run1", "run2", "folder:", "loss"))
    assert (tmp_path / "m.csv").read_text().startswith("step,")
    assert (tmp_path / "curves.pdf").read_bytes().startswith(b"%PDF")
    assert "How to repeat it" in (tmp_path / "report.html").read_text()
    code = "import torch, load; print(tuple(load.load_encoder()(torch.rand(2, 3, 16, 16)).shape))"
    elsewhere = bare_python(tmp_path / "elsewhere")
    assert run(str(elsewhere), "-c", code, cwd=tmp_path / "encoder") == "(2, 64)\n"
    missing = subprocess.run(
        [str(elsewhere), "-c", "import simclr_tui"], capture_output=True, cwd=tmp_path, check=False
    )
    assert missing.returncode == 1, "the package must not be there, or nothing is shown"


def draw_photos(folder: Path) -> None:
    """Own images without labels, as a camera leaves them."""
    folder.mkdir()
    for number in range(40):
        colour = (number * 6, 255 - number * 5, number * 37 % 256)
        picture = Image.radial_gradient("L").resize((48, 48)).convert("RGB")
        Image.blend(picture, Image.new("RGB", (48, 48), colour), 0.5).save(folder / f"IMG_{number:04}.jpg")


def trial_states(store: Store) -> list[str]:
    """The state of each trial of the sweep, a run each."""
    return [run.state for run in map(store.run, store.names()) if run.info.trial]
