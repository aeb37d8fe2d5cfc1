"""List runs by other managers where they are installed, in turns with `simclr ls`, each by its own command.

`python -m simclr_tui.bench.peers PACKAGE COUNT` writes the runs of one of them, by its own library.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from simclr_tui.bench.fabric import FIVE, make_store
from simclr_tui.bench.timing import MILLISECONDS, environment, scaled, seconds
from simclr_tui.interpreter import python, python_module
from simclr_tui.store.bench_report import Figure

_MOST = 1_000  # runs; MLflow takes tens of milliseconds to write each
_PROJECT = "bench"
_LAST = dict.fromkeys(FIVE, 0.5)


@dataclass(frozen=True)
class Peer:
    """Describe a manager: its package, the variable that leads it to its store, and its command that lists runs.

    `store` returns the variable's value for a folder.
    """

    package: str
    variable: str
    store: Callable[[Path], str]
    listing: tuple[str, ...]

    @property
    def title(self) -> str:
        return " ".join((self.package, *self.listing[:2]))

    @property
    def installed(self) -> bool:
        return find_spec(self.package) is not None and Path(self.command[0]).exists()

    @property
    def command(self) -> list[str]:
        """Return the command line of the script that the package installs beside the interpreter."""
        return [str(Path(python()[0]).with_name(self.package)), *self.listing]


def _sqlite(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


PEERS = (
    Peer("mlflow", "MLFLOW_TRACKING_URI", _sqlite, ("runs", "list", "--experiment-id", "0")),
    Peer("trackio", "TRACKIO_DIR", str, ("list", "runs", "--project", _PROJECT)),
)


def listings(directory: Path, count: int, times: int, *, peers: Sequence[Peer] = PEERS) -> list[Figure]:
    """Return how long each installed peer and `simclr ls` take to list as many runs, and how many times as long each.

    Raises CalledProcessError where a command fails.
    """
    installed = [peer for peer in peers if peer.installed]
    if not installed:
        return []
    runs = min(count, _MOST)
    make_store(directory / "simclr", runs)
    commands: dict[str, tuple[list[str], dict[str, str]]] = {
        "simclr ls": (python_module("simclr_tui.cli.main", "ls", "--runs", str(directory / "simclr")), {}),
    }
    for peer in installed:
        folder = directory / peer.package
        folder.mkdir()
        place = {peer.variable: peer.store(folder)}
        _run(python_module("simclr_tui.bench.peers", peer.package, str(runs)), place)
        commands[peer.title] = (peer.command, place)
    taken: dict[str, list[float]] = {title: [] for title in commands}
    for command, place in commands.values():  # a first start is not counted
        _run(command, place)
    for _ in range(times):
        for title, (command, place) in commands.items():
            taken[title] += seconds(partial(_run, command, place), 1)
    ours = taken.pop("simclr ls")
    figures = [Figure(f"simclr ls, {runs:,} runs, in turns", "ms", scaled(ours, MILLISECONDS))]
    for title, theirs in taken.items():
        figures.append(Figure(f"{title}, {runs:,} runs", "ms", scaled(theirs, MILLISECONDS)))
        ratios = [one / other for one, other in zip(theirs, ours, strict=True)]
        figures.append(Figure(f"{title} against simclr ls", "×", ratios))
    return figures


def _run(command: Sequence[str], place: dict[str, str]) -> None:
    quiet = {
        "HF_HUB_OFFLINE": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "true",
    }
    nothing = subprocess.DEVNULL
    subprocess.run(command, stdin=nothing, stdout=nothing, check=True, env=environment() | quiet | place)


def _fill_mlflow(count: int) -> None:
    from mlflow.entities import Metric, Param
    from mlflow.tracking import MlflowClient

    client = MlflowClient()
    for number in range(count):
        made = client.create_run("0", run_name=f"run{number}").info.run_id
        metrics = [Metric(name, value, 0, 0) for name, value in _LAST.items()]
        client.log_batch(made, metrics=metrics, params=[Param("bs", "256"), Param("seed", str(number))])
        client.set_terminated(made)


def _fill_trackio(count: int) -> None:
    from trackio.sqlite_storage import SQLiteStorage  # its public functions start a server

    for number in range(count):
        SQLiteStorage.bulk_log(_PROJECT, f"run{number}", [_LAST], config={"bs": 256, "seed": number})


if __name__ == "__main__":
    {"mlflow": _fill_mlflow, "trackio": _fill_trackio}[sys.argv[1]](int(sys.argv[2]))
