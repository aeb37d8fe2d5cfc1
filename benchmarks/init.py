"""Measure whether `--init` reaches a given kNN in fewer steps than a start from scratch, on other classes.

    python -m benchmarks.init run STORE IMAGES      train what is missing, one run at a time
    python -m benchmarks.init report STORE          print steps and kNN of each seed; --json for all figures

IMAGES has `train/CLASS/*`. An encoder is trained without labels on the first half of the classes. For each seed, two
runs then train on the other half with one recipe: one from that encoder, one from scratch. The kNN to be reached is the
highest that the seed's run from scratch came to. The same command goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.managed_runs import state_of, train_run
from simclr_tui.store.run import Run

SEEDS = (0, 1, 2)
RECIPE = {
    "--encoder": "resnet18", "--width": "0.125", "--image-size": "24", "--bs": "128", "--epochs": "12",
    "--warmup": "1", "--head-dim": "64", "--knn-k": "20", "--knn-every": "1", "--threads": "1", "--device": "cpu",
    "--precision": "fp32", "--checkpoint-every": "5",
}  # fmt: skip
_FIRST = {"--epochs": "20", "--knn-every": "0", "--seed": "9", "--labels": "none"}
_IMAGES_PER_CLASS = 500


def split_classes(images: Path, store: Path) -> list[str]:
    """Write a table of images for each half of the classes into the store; return both as values of `--data`."""
    classes = sorted(path for path in (images / "train").iterdir() if path.is_dir())
    halves = {"first": classes[: len(classes) // 2], "other": classes[len(classes) // 2 :]}
    store.mkdir(parents=True, exist_ok=True)
    for name, half in halves.items():
        with (store / f"{name}.csv").open("w", encoding="utf-8", newline="") as table:
            rows = csv.writer(table)
            rows.writerow(("path", "label"))
            for folder in half:
                files = sorted(file.resolve() for file in folder.iterdir())[:_IMAGES_PER_CLASS]
                rows.writerows((file, folder.name) for file in files)
    return [f"csv:{(store / name).resolve()}.csv" for name in halves]


def train(store: Path, images: Path) -> None:
    """Train the first encoder, then both runs of every seed, except for what is done."""
    first, other = split_classes(images, store)
    _run(store, "first", RECIPE | _FIRST | {"--data": first})
    for seed in SEEDS:
        flags = RECIPE | {"--data": other, "--seed": str(seed)}
        _run(store, f"scratch-{seed}", flags)
        _run(store, f"init-{seed}", flags | {"--init": "first"})


def _run(store: Path, name: str, flags: dict[str, str]) -> None:
    state = train_run(store, name, flags)
    print(f"{name}: {state}", flush=True)
    if state != "finished":
        raise SystemExit(f"{name} is {state}: see simclr show {name} --runs {store}")


def curve(run: Path) -> tuple[list[int], list[float]]:
    """Return the steps at which a run measured kNN, and the kNN (0–1) found at each."""
    steps, values = Run(run).history().points("knn")
    return [int(step) for step in steps], [float(value) for value in values]


def steps_to(steps: list[int], values: list[float], target: float) -> int | None:
    """Return the first step whose kNN is at least `target`, or None if there is none."""
    return next((step for step, value in zip(steps, values, strict=True) if value >= target), None)


def report(store: Path) -> list[dict[str, Any]]:
    """Return for every seed whose two runs are finished: the kNN to reach, and the steps that each needed."""
    found = []
    for seed in SEEDS:
        names = [f"scratch-{seed}", f"init-{seed}"]
        if any(state_of(store / name) != "finished" for name in names):
            continue
        (steps, knn), (init_steps, init_knn) = (curve(store / name) for name in names)
        target = max(knn)
        found.append({
            "seed": seed, "knn": target, "steps": steps[-1], "scratch": steps_to(steps, knn, target),
            "init": steps_to(init_steps, init_knn, target), "init_knn": max(init_knn),
            "at_start": [knn[0], init_knn[0]],
        })  # fmt: skip
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("run", "report"))
    parser.add_argument("store", type=Path)
    parser.add_argument("images", type=Path, nargs="?")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    if given.verb == "run":
        if given.images is None:
            parser.error("run needs IMAGES")
        train(given.store, given.images)
    found = report(given.store)
    if given.json:
        print(json.dumps(found))
        return 0
    for one in found:
        reached = f"step {one['init']}" if one["init"] is not None else "no step"
        print(
            f"seed {one['seed']}: kNN {one['knn']:.3f} from scratch at step {one['scratch']} of {one['steps']},"
            f" with --init at {reached}; highest with --init {one['init_knn']:.3f};"
            f" before any step {one['at_start'][0]:.3f} and {one['at_start'][1]:.3f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
