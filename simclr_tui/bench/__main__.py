"""Measure one part, `python -m simclr_tui.bench train|data|store|dashboard|queue`, and print one JSON document."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType

import msgspec

from simclr_tui.errors import SimclrError
from simclr_tui.hardware.sampler import machine_summary
from simclr_tui.recipe.resolve import from_toml
from simclr_tui.store.bench_report import Figure, Measured
from simclr_tui.store.process import end_with_parent
from simclr_tui.version import __version__

_PACKAGES = ("torch", "textual", "plotext", "typer", "msgspec", "numpy", "sqlite-utils", "mlflow", "trackio")


def main() -> None:
    parser = argparse.ArgumentParser(prog="simclr bench")
    parser.add_argument("what", choices=["train", "data", "store", "dashboard", "queue"])
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--repeat", type=int, required=True)
    parser.add_argument("--peer", default="")
    parser.add_argument("--managed", action="store_true")
    parser.add_argument("--added", default="", help="environment variables meant for this process alone")
    parser.add_argument("--parent", type=int, help="the process that waits for the figures; without it this one ends")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    # Forked processes get the default handler back: torch ends its data workers by this signal, with nothing to remove.
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    if args.parent:
        end_with_parent(signal.SIGTERM, args.parent)
    try:
        with tempfile.TemporaryDirectory(prefix="simclr-bench-") as directory:
            figures = _measure(args.what, Path(directory), args)
    except SimclrError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    measured = Measured(figures, machine_summary(), _versions(), _commit())
    sys.stdout.write(msgspec.json.encode(measured).decode() + "\n")


def _end(_number: int, _frame: FrameType | None) -> None:
    """Exit as after an error, so that child processes end and generated files are removed; ignore a second signal."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + signal.SIGTERM)


def _measure(what: str, directory: Path, args: argparse.Namespace) -> list[Figure]:
    """Run one benchmark, importing nothing for the others, which would count as memory."""
    if what == "dashboard":
        from simclr_tui.bench.dashboard import dashboard_figures

        return dashboard_figures(directory, args.count, args.repeat)
    if what == "data":
        from simclr_tui.bench.data import data_figures

        return data_figures(directory, args.count, args.repeat)
    if what == "train":
        from simclr_tui.bench.train import train_figures

        for name in filter(None, args.added.split(",")):  # read already; a peer runs without them
            del os.environ[name]
        recipe = from_toml(sys.stdin.read()).recipe
        managed = directory if args.managed else None
        return train_figures(recipe, steps=args.steps, repeat=args.repeat, peer=args.peer, managed=managed)
    if what == "queue":
        from simclr_tui.bench.queue import queue_figures

        return queue_figures(directory, args.count, args.repeat)
    from simclr_tui.bench.store import store_figures

    return store_figures(directory, args.count, args.steps, times=args.repeat)


def _versions() -> dict[str, str]:
    found = {"simclr-tui": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _commit() -> str:
    top = Path(__file__).resolve().parents[2]
    try:
        asked = subprocess.run(["git", "-C", top, "describe", "--always", "--dirty"], capture_output=True, text=True)
    except OSError:
        return ""
    return asked.stdout.strip()


if __name__ == "__main__":
    main()
