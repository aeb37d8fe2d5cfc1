"""Find what an hour of training on this machine reaches: three seeds of ours, lightly as shipped and in bf16.

    python -m benchmarks.hour IMAGES --out FOLDER [--seconds 3600] [--entries seed0,lightly] [-- FLAGS OF simclr run]

IMAGES has `train/CLASS/*` and `test/CLASS/*`. Each entry gets the same seconds, one after another. Its encoder's kNN on
the test images is then computed by the same code, weighted (k 200, τ 0.1) and plain (k 10), and written to
FOLDER/ENTRY.json. Start the same command again after an interruption: finished entries are kept, a run of ours
resumes where it stopped with the seconds that are left, and lightly, which cannot resume, starts its hour anew
unless only measuring it was left.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from simclr_tui.hardware.sampler import machine_summary
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.run import Run
from simclr_tui.train.data.open import open_data
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.observe.knn import extract_features, knn_accuracy
from simclr_tui.train.persist.checkpoint import newest_encoder
from simclr_tui.version import __version__

TOP = Path(__file__).resolve().parents[1]
ENTRIES = ("seed0", "seed1", "seed2", "lightly", "lightly-bf16")
_POLL = 0.5  # seconds
_LIGHTLY_MEASURED = 3  # times; minutes each
_TAIL = 65536  # bytes that hold the last line of a log
# torchvision built for CUDA does not import beside a torch built for CPUs unless it is helped.
_WITH_TORCHVISION = """
import runpy, sys
from simclr_tui.train.model.torchvision_import import import_torchvision
import_torchvision()
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
CPU = torch.device("cpu")
_UNWEIGHTED = 1e6  # a temperature at which every neighbour's vote weighs the same


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--preset", default="cpu-hour")
    parser.add_argument("--entries", default=",".join(ENTRIES))
    words = sys.argv[1:] if arguments is None else arguments
    split = words.index("--") if "--" in words else len(words)
    given = parser.parse_args(words[:split])
    given.flags = words[split + 1 :]  # of simclr run, for ours
    given.out.mkdir(parents=True, exist_ok=True)
    for entry in given.entries.split(","):
        target = given.out / f"{entry}.json"
        if entry not in ENTRIES:
            parser.error(f"no entry {entry}; there are {', '.join(ENTRIES)}")
        if not target.exists():
            result = _lightly(entry, given) if entry.startswith("lightly") else _ours(entry, given)
            target.write_text(json.dumps(conditions() | result, indent=1) + "\n")
        print(entry, target.read_text())
    return 0


def _ours(entry: str, given: argparse.Namespace) -> dict[str, Any]:
    """Train for the seconds that are left, in a run that an earlier call may have begun, and measure it."""
    runs = given.out / "runs"
    path = runs / entry
    if trained_seconds(path) < given.seconds and not (path.exists() and Run(path).state == "finished"):
        command = [sys.executable, "-m", "simclr_tui.cli.main"]
        if path.exists():
            words = ["resume", entry]
        else:
            words = ["run", "--preset", given.preset, "--data", f"folder:{given.images}", "--name", entry]
            words += ["--seed", entry.removeprefix("seed"), *given.flags]
        process = subprocess.Popen([*command, *words, "--runs", str(runs)], cwd=TOP, stdout=subprocess.DEVNULL)
        try:
            while process.poll() is None and trained_seconds(path) < given.seconds:
                time.sleep(_POLL)
            if process.poll() is None:
                subprocess.run([*command, "stop", entry, "--runs", str(runs)], cwd=TOP, check=False)
            process.wait()
        finally:
            process.terminate()
    run = Run(path)
    encoder, step = newest_encoder(run)
    history = run.history()
    knn = history.columns.get("knn")
    curve = [
        {"seconds": round(history.time[row]), "step": history.step[row], "knn": value}
        for row, value in (zip(knn.rows, knn.values, strict=True) if knn else ())
    ]
    facts = {"seconds": round(trained_seconds(path), 1), "step": step, "epoch": step / run.status.steps_per_epoch}
    return (
        facts
        | {"preset": given.preset, "flags": given.flags, "curve": curve}
        | measure(encoder, given.images, run.recipe.image_size)
    )


def conditions() -> dict[str, str]:
    """Return what the figures were measured with: machine, versions, commit."""
    asked = subprocess.run(["git", "-C", TOP, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return {
        "machine": machine_summary(),
        "versions": f"simclr-tui {__version__}, torch {torch.__version__}, Python {platform.python_version()}",
        "commit": asked.stdout.strip(),
        "date": time.strftime("%Y-%m-%d"),
    }


def trained_seconds(path: Path) -> float:
    """Return the seconds of all attempts of a run, each up to the last line of its metrics."""
    total = 0.0
    for file in sorted(path.glob("attempt-*/metrics.jsonl")):
        with file.open("rb") as lines:
            lines.seek(max(0, file.stat().st_size - _TAIL))
            tail = lines.read().splitlines()
        for line in reversed(tail):
            with contextlib.suppress(ValueError, KeyError):  # a torn last line
                total += float(json.loads(line)["time"])
                break
    return total


def _lightly(entry: str, given: argparse.Namespace) -> dict[str, Any]:
    """Train lightly, unless an earlier call did so to the end, and measure what it saved on the way."""
    saved = given.out / entry
    trained = saved / "trained.json"
    if not trained.exists():
        trained.write_text(_train_lightly(entry, given, saved))
    curve = []
    for file in sorted(saved.glob("*.pt"), key=lambda file: int(file.stem)):
        encoder = build_encoder(Recipe(image_size=32))
        encoder.load_state_dict(torch.load(file, weights_only=True))
        curve.append({"seconds": int(file.stem)} | measure(encoder, given.images, 32))
    return json.loads(trained.read_text()) | {"curve": curve} | curve[-1]


def _train_lightly(entry: str, given: argparse.Namespace, saved: Path) -> str:
    peer = TOP / "benchmarks" / "peers" / "lightly_simclr.py"
    command = [sys.executable, "-c", _WITH_TORCHVISION, str(peer), str(given.images.resolve() / "train")]
    command += ["--device", "cpu", "--seconds", str(given.seconds), "--every", str(given.seconds / _LIGHTLY_MEASURED)]
    command += ["--save", str(saved.resolve()), *(["--bf16"] if entry.endswith("bf16") else [])]
    for left in saved.glob("*.pt"):  # of an interrupted hour
        left.unlink()
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"lightly ended with code {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout.splitlines()[-1]


def measure(encoder: Encoder, images: Path, side: int) -> dict[str, float]:
    """Return kNN of h on the test images against all training images, weighted and plain."""
    data = open_data(f"folder:{images}", image_size=side, subset=0, progress=lambda *_: None)
    if data.test is None or data.test.labels is None or data.train.labels is None:
        raise SystemExit(f"{images} has no labelled test images")
    bank, queries = (
        extract_features(encoder, part.images, Recipe(image_size=side), device=CPU) for part in (data.train, data.test)
    )
    labels, answers = (torch.from_numpy(part.labels) for part in (data.train, data.test))
    classes = len(data.classes)
    return {
        "knn_200_weighted": knn_accuracy(bank, labels, queries, query_labels=answers, classes=classes, k=200),
        "knn_10": knn_accuracy(
            bank, labels, queries, query_labels=answers, classes=classes, k=10, temperature=_UNWEIGHTED
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
