"""Measure how well runs can be ranked without labels: Spearman's correlation with kNN on the test images.

    python -m benchmarks.label_free run STORE DATA…     train what is missing, one run at a time
    python -m benchmarks.label_free report STORE        print the correlations; --json for all figures

Every data set is trained with the same recipes, good and bad ones, and measured at the end of training, by kNN on its
test images (`--knn-on test`) and without labels alike. A run that exists is not trained again: the same
command goes on where it was interrupted. Runs that failed are listed, and are part of no correlation.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.managed_runs import train_run
from simclr_tui.store.metrics.metric_table import LABEL_FREE, METRICS

SMALL = {
    "--width": "0.125", "--image-size": "16", "--bs": "128", "--epochs": "8", "--subset": "1024", "--head-dim": "64",
    "--knn-k": "20", "--knn-on": "test", "--threads": "1", "--device": "cpu", "--precision": "fp32",
    "--checkpoint-every": "100",
}  # fmt: skip
RECIPES: dict[str, dict[str, str]] = {
    "usual": {}, "short": {"--epochs": "1"}, "hot": {"--temp": "10"}, "untrained": {"--lr": "1e-6"},
    "fast": {"--lr": "3.0"}, "colour": {"--augment": "color,gray"}, "no-head": {"--head": "none"},
    "long": {"--epochs": "16"}, "cold": {"--temp": "0.05"},
} | {
    name: {"--epochs": "3"} | changes
    for name, changes in {
        "crop": {"--augment": "crop,flip"}, "decay": {"--wd": "0.5"}, "small-batch": {"--bs": "32"},
        "gentle": {"--crop-min": "0.8"}, "margin": {"--objective": "margin"}, "linear-head": {"--head": "linear"},
        "warm": {"--temp": "1.0"}, "dcl": {"--objective": "dcl"}, "slow": {"--lr": "0.01"}, "again": {"--seed": "1"},
    }.items()
}  # fmt: skip
_DRAWS = 2000  # of the bootstrap

Array = NDArray[np.float64]


def train(store: Path, data: Sequence[str]) -> None:
    """Train every recipe on every data set, except for what is done."""
    for name, changes in RECIPES.items():
        for number, source in enumerate(data, start=1):
            run = f"d{number}-{name}"
            flags = SMALL | changes | {"--data": source}
            flags |= {"--knn-every": flags["--epochs"]}
            state = train_run(store, run, flags)
            print(f"{run}: {state}", flush=True)


@dataclass(frozen=True)
class Scored:
    """A run's data set, its measures without labels, and its kNN accuracy (0–1) on the test images."""

    name: str
    data: str
    measures: Mapping[str, float]
    knn: float


def read(store: Path) -> tuple[list[Scored], list[str]]:
    """Return the runs that have all figures, and a sentence for each that has not."""
    found, missing = [], []
    for folder in sorted(path.parent for path in store.glob("d*-*/state.json")):
        state = json.loads((folder / "state.json").read_text())
        summary = state.get("summary", {})
        if state["state"] != "finished" or any(summary.get(name) is None for name in ("knn", *LABEL_FREE)):
            missing.append(f"{folder.name}: {state['state']} {state.get('reason', '')}".strip())
            continue
        measures = {name: float(summary[name]) for name in LABEL_FREE}
        found.append(Scored(folder.name, folder.name.partition("-")[0], measures, float(summary["knn"])))
    return found, missing


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Spearman's rank correlation, ties sharing their mean rank; NaN where one side is constant."""
    a, b = (_ranks(np.asarray(values, float)) for values in (one, other))
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm else float("nan")


def _ranks(values: Array) -> Array:
    below = (values[:, None] > values[None, :]).sum(axis=1)
    equal = (values[:, None] == values[None, :]).sum(axis=1)
    ranks: Array = below + (equal + 1) / 2
    return ranks


def mean_places(rows: Sequence[Mapping[str, float]]) -> list[float]:
    """Return each run's mean place among the others, from 0 (the worst in every measure) to 1 (the best in all).

    Equal values share their places, which say something of these rows alone: they are no amounts.
    """
    places = [_places([row[name] for row in rows], name) for name in LABEL_FREE]
    return [sum(one) / len(LABEL_FREE) for one in zip(*places, strict=True)]


def _places(values: Sequence[float], metric: str) -> list[float]:
    """Return for each value the share of the other values that it is better than; an equal one counts a half."""
    sign = 1.0 if METRICS[metric].better == "highest" else -1.0
    others = max(1, len(values) - 1)
    return [
        (sum((sign * value > sign * other) + 0.5 * (value == other) for other in values) - 0.5) / others
        for value in values
    ]


Score = Callable[[Sequence[Scored]], list[float]]


def _single(name: str, sign: float) -> Score:
    return lambda runs: [sign * run.measures[name] for run in runs]


SCORES: dict[str, Score] = {
    "rank_h": _single("rank_h", 1.0),
    "alignment": _single("alignment", -1.0),
    "uniformity": _single("uniformity", -1.0),
    "alignment + uniformity": lambda runs: [-run.measures["alignment"] - run.measures["uniformity"] for run in runs],
    "all three": lambda runs: mean_places([run.measures for run in runs]),
}
"""Each score of runs of one data set; more is meant to be better."""


def correlation(runs: Sequence[Scored], score: Score) -> float:
    """Return the mean over data sets of Spearman's correlation between a score and kNN."""
    found = [spearman(score(group), [run.knn for run in group]) for group in _by_data(runs)]
    known = [one for one in found if not np.isnan(one)]
    return sum(known) / len(known) if known else float("nan")


def _by_data(runs: Sequence[Scored]) -> list[list[Scored]]:
    return [[run for run in runs if run.data == data] for data in dict.fromkeys(run.data for run in runs)]


def interval(runs: Sequence[Scored], score: Score, seed: int = 0) -> tuple[float, float]:
    """Return the 95% interval of `correlation` by drawing runs again within each data set."""
    chance = np.random.default_rng(seed)
    groups, drawn = _by_data(runs), []
    for _ in range(_DRAWS):
        sample = [group[place] for group in groups for place in chance.integers(len(group), size=len(group))]
        drawn.append(correlation(sample, score))
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def report(store: Path) -> dict[str, Any]:
    """Return the correlation of every score with kNN: over all data sets with its interval, and in each alone."""
    runs, missing = read(store)
    data = list(dict.fromkeys(run.data for run in runs))
    scores = {
        name: {
            "spearman": correlation(runs, score),
            "interval": interval(runs, score),
            "by_data": {one: correlation([run for run in runs if run.data == one], score) for one in data},
        }
        for name, score in SCORES.items()
    }
    knn = {one: [min(found), max(found)] for one in data if (found := [run.knn for run in runs if run.data == one])}
    return {"runs": len(runs), "data": data, "knn": knn, "scores": scores, "missing": missing}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.label_free", description=__doc__)
    parser.add_argument("verb", choices=["run", "report"])
    parser.add_argument("store", type=Path)
    parser.add_argument("data", nargs="*")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    if given.verb == "run":
        train(given.store, given.data)
    found = report(given.store)
    if given.json:
        print(json.dumps(found))
        return 0
    print(f"{found['runs']} runs on {len(found['data'])} data sets; kNN on test images from/to: {found['knn']}")
    for name, one in found["scores"].items():
        low, high = one["interval"]
        alone = ", ".join(f"{data} {value:+.2f}" for data, value in one["by_data"].items())
        print(f"{name:24} Spearman {one['spearman']:+.2f}, 95% {low:+.2f} to {high:+.2f}; {alone}")
    for sentence in found["missing"]:
        print(f"not counted: {sentence}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
