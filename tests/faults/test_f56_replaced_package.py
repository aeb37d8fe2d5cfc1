"""F56: the package is replaced by another version while one run trains and another waits.

Two wheels are built from this tree; the later one has another version, and none of its modules can be imported by a
process that has begun with the earlier one, so that whatever a running process would load afterwards breaks it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from simclr_tui.launch.queue.queue import why_paused
from simclr_tui.launch.stop import kill
from simclr_tui.store.store import Store
from tests.faults.test_f03_stop import newest_step
from tests.launch.ended import end_queue
from tests.training import TINY, until

TOP = Path(__file__).parents[2]
LATER = "99.1.0"
BEGIN = """
import json, sys
from pathlib import Path
from simclr_tui.launch.plan import make_plan
from simclr_tui.launch.queue.queue import enqueue, ensure_dispatcher
from simclr_tui.store.store import Store
store, flags = Store(Path(sys.argv[1])), json.loads(sys.argv[2])
for _ in range(2):
    print(enqueue(store, make_plan("quick", flags=flags)).name)
ensure_dispatcher(store)
"""


def wheel(home: Path, version: str | None = None) -> Path:
    """Build a wheel of this tree, under another version if one is given."""
    shutil.copytree(TOP / "simclr_tui", home / "simclr_tui", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(TOP / name, home)
    shutil.copytree(TOP / "scripts", home / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    if version is not None:
        (home / "simclr_tui" / "version.py").write_text(f'__version__ = "{version}"\nLATER = True\n')
        for path in (home / "simclr_tui").rglob("*.py"):
            if path.name != "version.py":
                with path.open("a", encoding="utf-8") as file:
                    file.write("\nfrom simclr_tui.version import LATER as _LATER  # not in the version before\n")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(home), cwd=home)
    return next(home.glob("*.whl"))


def run(*words: str, **given) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Installation:
    """An environment of its own, into which one wheel after the other is installed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        made = subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], capture_output=True, text=True)
        if made.returncode:
            pytest.skip(f"NOT TESTED WHILE THE PACKAGE IS REPLACED: no environment can be made: {made.stderr[-200:]}")
        (site,) = home.glob("lib/python*/site-packages")
        (site / "dependencies.pth").write_text(f"{Path(typer.__file__).parents[1]}\n")

    def install(self, wheel: Path) -> None:
        pip = [sys.executable, "-m", "pip", "--python", str(self.home / "bin" / "python")]
        run(*pip, "install", "-q", "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel))

    def python(self, *words: str) -> str:
        return run(str(self.home / "bin" / "python"), "-P", *words, cwd=self.home)


@pytest.fixture
def installed(tmp_path) -> Installation:
    pytest.importorskip("hatchling")
    return Installation(tmp_path / "venv")


@pytest.mark.timeout(600)
def test_what_trains_goes_on_and_what_waits_starts_under_the_later_version(installed, tmp_path, fault):
    fault("F56", 1, "package replaced while one run trains and another waits")
    for name in ("before", "later"):
        (tmp_path / name).mkdir()
    later = wheel(tmp_path / "later", LATER)
    installed.install(wheel(tmp_path / "before"))
    store = Store(tmp_path / "runs")
    flags = json.dumps(TINY | {"epochs": 100_000, "knn_every": 1})
    try:
        trains, waits = map(store.run, installed.python("-c", BEGIN, str(store.root), flags).split())
        until(lambda: newest_step(trains) > 3, what="the first steps")
        processes = trains.status.supervisor, trains.status.process

        installed.install(later)
        assert installed.python("-m", "simclr_tui", "--version") == f"simclr-tui {LATER}\n"
        saved = trains.checkpoints[0].step if trains.checkpoints else 0
        until(lambda: trains.checkpoints and trains.checkpoints[0].step > saved + 12, what="checkpoints of later steps")
        assert (trains.status.supervisor, trains.status.process) == processes
        assert waits.state == "queued"

        installed.python("-m", "simclr_tui", "stop", trains.name, "--runs", str(store.root))
        assert (trains.state, trains.checkpoints[0].step) == ("stopped", trains.status.step)
        until(lambda: why_paused(store) or newest_step(waits) > 3, what="the run that waited to train")
        assert why_paused(store) == ""
        assert any("the program was changed while the run waited" in event.message for event in waits.events)
    finally:
        for name in store.names():
            if store.run(name).state in ("starting", "running"):
                kill(store.run(name))
        end_queue(store)
