"""Recompute every figure, average, interval and star that the command line prints, from the runs' own files alone.

    python -m benchmarks.verdicts make STORE [DATA]     a sweep of narrow runs, and runs that must not count
    python -m benchmarks.verdicts check STORE           compare `compare`, `ls --group` and `sweep show` with the files

What is read: metrics.jsonl, state.json, recipe.toml and evaluations. What decides is written here a second time, with
numpy, in another way where there is one: Student's t comes from integrating its density. `check` prints each figure
that differs and ends with code 1 if there is one.
"""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from simclr_tui.recipe.fields import fields

_SIMCLR = [sys.executable, "-m", "simclr_tui.cli.main"]
_NARROW = [
    "--width", "0.05", "--image-size", "16", "--bs", "64", "--epochs", "3", "--knn-k", "20", "--head-dim", "16",
    "--threads", "1", "--device", "cpu", "--precision", "fp32", "--knn-every", "1",
]  # fmt: skip
_NO_DIFFERENCE = {"seed", "device", "threads", "gpus", "compile", "knn_every", "checkpoint_every", "keep_best"}
_ACCURACY = ("data", "subset", "eval_crop", "knn_k", "knn_weights", "knn_on")
_TOLERANCE = 1e-7  # what integrating a density costs


def simclr(*words: str) -> str:
    """Return what a command prints. Raises CalledProcessError."""
    return subprocess.run([*_SIMCLR, *words], capture_output=True, text=True, check=True).stdout


def make(store: str, data: str) -> None:
    """Train 20 runs of a sweep, and beside them one that diverges, one stopped, one collapsed, one on other data."""
    common = [*_NARROW, "--data", data, "--subset", "600", "--runs", store]
    simclr("sweep", *common, "--temp", "0.1,0.2,0.5,1.0,2.0", "--seeds", "4", "--name", "taus")
    while json.loads(simclr("ls", "state:queued,starting,running", "--json", "--runs", store)):
        time.sleep(2.0)
    extra = [*common, "--temp", "0.5"]
    subprocess.run([*_SIMCLR, "run", *extra, "--seed", "10", "--lr", "1e6", "--name", "diverged"], check=False)
    subprocess.run([*_SIMCLR, "run", *extra, "--seed", "11", "--epochs", "9999", "--name", "stopped", "-d"], check=True)
    while not json.loads(simclr("show", "stopped", "--json", "--runs", store))["summary"].get("loss"):
        time.sleep(0.5)
    simclr("stop", "stopped", "--runs", store)
    constant = ["--no-l2", "--temp", "1000", "--lr", "1e-6"]  # z that tells nothing apart
    subprocess.run([*_SIMCLR, "run", *common, *constant, "--seed", "12", "--name", "collapsed"], check=False)
    other = [*_NARROW, "--data", "shapes", "--subset", "600", "--runs", store, "--temp", "0.5", "--seed", "13"]
    subprocess.run([*_SIMCLR, "run", *other, "--name", "other"], check=True)


@dataclass(frozen=True)
class Read:
    """One run as its files tell it: values by metric in the order of their steps, attempts joined."""

    name: str
    recipe: dict[str, Any]
    state: dict[str, Any]
    series: dict[str, list[float]]
    linear: float | None
    linear_images: int
    host: str

    @property
    def sound(self) -> bool:
        flags = set(self.state.get("flags", []))
        return self.state["state"] == "finished" and not flags & {"diverged", "collapsed"}

    def figure(self, name: str) -> float | None:
        """Return a figure of lists and comparisons by its name there."""
        knn, loss = self.series.get("knn", []), self.series.get("loss", [])
        speed, top1 = self.series.get("images_per_s", []), self.series.get("contrastive_top1", [])
        found: dict[str, list[float]] = {
            "knn": knn[-1:], "knn best": [max(knn)] if knn else [], "knn first": knn[:1], "loss": loss[-1:],
            "loss best": [min(loss)] if loss else [], "contrastive top-1": top1[-1:], "images/s": speed[-1:],
            "linear top-1": [self.linear] if self.linear is not None else [],
        }  # fmt: skip
        aliases = {"knn_best": "knn best", "images_per_s": "images/s", "linear": "linear top-1"}
        return next(iter(found[aliases.get(name, name)]), None)


def read(run: Path) -> Read:
    """Read a run folder with the standard library alone."""
    stored = tomllib.loads((run / "recipe.toml").read_text())["recipe"]
    recipe = {item.short: stored.get(item.key, item.default) for item in fields()}
    rows: dict[int, dict[str, float]] = {}
    evaluated: dict[int, dict[str, float]] = {}
    for log in sorted(run.glob("attempt-*/metrics.jsonl")):
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
        first = lines[0]["step"] if lines else 0
        for kept in (rows, evaluated):
            for step in [step for step in kept if step >= first]:
                del kept[step]
        for line in lines:
            (rows if "loss" in line else evaluated)[line["step"]] = line
    series: dict[str, list[float]] = {}
    for kept in (rows, evaluated):
        for step in sorted(kept):
            for name, value in kept[step].items():
                if value is not None:  # a number that is not finite
                    series.setdefault(name, []).append(value)
    linear = run / "evaluations" / "linear.json"
    probe = json.loads(linear.read_text()) if linear.exists() else None
    return Read(
        name=run.name,
        recipe=recipe,
        state=json.loads((run / "state.json").read_text()),
        series=series,
        linear=float(np.mean([one["top1"] for one in probe["results"]])) if probe else None,
        linear_images=probe["test_images"] if probe else 0,
        host=json.loads((run / "run.json").read_text()).get("host", ""),
    )


@lru_cache
def student(freedom: float) -> float:
    """Return the two-sided 95% quantile of Student's t, by integrating its density and bisecting."""
    log = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(freedom * math.pi)

    def inside(t: float) -> float:
        angle = np.linspace(0.0, math.atan(t), 20_001)  # t = tan(angle): the tails need no far end
        x = np.tan(angle)
        density = np.exp(log - (freedom + 1) / 2 * np.log1p(x * x / freedom)) * (1 + x * x)
        return 2 * float(np.trapezoid(density, angle))

    low, high = 0.0, 64.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle) < 0.95 else (low, middle)
    return (low + high) / 2


def summary(values: list[float]) -> dict[str, Any]:
    """Return mean, std, n and interval as `--json` has them."""
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    mean = float(np.mean(values))
    half = None if std is None else student(len(values) - 1) * std / math.sqrt(len(values))
    interval = None if half is None else [mean - half, mean + half]
    return {"mean": mean, "std": std, "n": len(values), "interval": interval}


def alike(name: str, runs: list[Read]) -> list[str]:
    """Return the fields that forbid a figure for these runs."""
    if name in ("loss", "loss best", "contrastive top-1"):
        kept = [item.short for item in fields() if item.group in ("data", "views", "objective")] + ["bs"]
    elif name in ("images_per_s", "images/s"):
        return ["the machine"] if len({(run.host, run.state["facts"].get("device")) for run in runs}) > 1 else []
    else:
        kept = list(_ACCURACY[:3] if name.startswith("linear") else _ACCURACY)
    return [field for field in kept if len({str(run.recipe[field]) for run in runs}) > 1]


def told_apart(name: str, first: list[Read], second: list[Read]) -> bool:
    """Return whether two groups of sound runs differ by more than noise."""
    a = np.array([run.figure(name) for run in first], float)
    b = np.array([run.figure(name) for run in second], float)
    seeds = [[run.recipe["seed"] for run in group] for group in (first, second)]
    apart = abs(a.mean() - b.mean())
    if len(a) > 1 and len(b) > 1:
        if sorted(seeds[0]) == sorted(seeds[1]):
            d = a[np.argsort(seeds[0])] - b[np.argsort(seeds[1])]
            return bool(apart > student(len(d) - 1) * d.std(ddof=1) / math.sqrt(len(d)))
        va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
        freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
        return bool(apart > student(freedom) * math.sqrt(va + vb))
    if len(a) > 1 or len(b) > 1:
        several = a if len(a) > 1 else b
        return bool(apart > student(len(several) - 1) * several.std(ddof=1) * math.sqrt(1 + 1 / len(several)))
    facts = [run.state["facts"] for run in (first[0], second[0])]
    asked = [one.get("knn_images", one.get("test_images", 0)) for one in facts]
    images = [first[0].linear_images, second[0].linear_images] if name == "linear top-1" else asked
    if name in ("loss", "loss best", "contrastive top-1", "images/s") or not all(images):
        return bool(apart > 0)
    shares = [(p * n + 2) / (n + 4) for p, n in zip((a[0], b[0]), images, strict=True)]
    return bool(apart > 2 * math.sqrt(sum(p * (1 - p) / (n + 4) for p, n in zip(shares, images, strict=True))))


def winner(name: str, groups: list[list[Read]]) -> int | None:
    """Return the place of the group that is told apart as the best; None where there is none."""
    sound = [[run for run in group if run.sound and run.figure(name) is not None] for group in groups]
    there = [place for place, group in enumerate(sound) if group]
    if len(there) < 2 or alike(name, [run for group in sound for run in group]):
        return None
    sign = -1.0 if name in ("loss", "loss best") else 1.0
    order = sorted(there, key=lambda place: -sign * float(np.mean([run.figure(name) for run in sound[place]])))
    return order[0] if told_apart(name, sound[order[0]], sound[order[1]]) else None


class Differences:
    """What was compared, and what was not as the files say."""

    def __init__(self) -> None:
        self.compared = 0
        self.found: list[str] = []

    def expect(self, where: str, printed: Any, wanted: Any) -> None:
        """Note a figure, and a sentence where it is not what the files say."""
        self.compared += 1
        if isinstance(printed, list) and isinstance(wanted, list) and len(printed) == len(wanted):
            same = all(_same(one, other) for one, other in zip(printed, wanted, strict=True))
        else:
            same = _same(printed, wanted)
        if not same:
            self.found.append(f"{where}: printed {printed}, the files say {wanted}")


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int) and not isinstance(one, bool):
        return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=1e-12)
    return bool(one == other)


def check_groups(store: str, runs: dict[str, Read], seen: Differences) -> None:
    """Compare `ls --group` by several fields."""
    for by in ("temp", "data", "bs", "state"):
        for group in json.loads(simclr("ls", "--group", by, "--json", "--runs", store)):
            members = [runs[name] for name in group["runs"]]
            where = f"ls --group {by}, {group['value']}"
            seen.expect(f"{where}, averaged", sorted(group["averaged"]), sorted(r.name for r in members if r.sound))
            for name in ("loss", "knn", "knn_best", "images_per_s", "linear"):
                sound = [run for run in members if run.sound and run.figure(name) is not None]
                forbidden = [] if name == "images_per_s" else alike(name, sound)
                wanted = summary([run.figure(name) or 0.0 for run in sound]) if sound and not forbidden else None
                if wanted is None:
                    seen.expect(f"{where}, {name}", group.get(name), None)
                    continue
                for key, value in wanted.items():
                    seen.expect(f"{where}, {name} {key}", group.get(name, {}).get(key), value)


def check_comparison(store: str, names: list[str], runs: dict[str, Read], seen: Differences) -> None:
    """Compare `compare NAMES`: values, stars, and over seeds means, intervals and stars."""
    printed = json.loads(simclr("compare", *names, "--json", "--runs", store))
    chosen = [runs[name] for name in printed["runs"]]
    where = f"compare {' '.join(names[:3])}{' …' if len(names) > 3 else ''}"
    groups: dict[str, list[Read]] = {}
    for run in chosen:
        key = str({name: value for name, value in run.recipe.items() if name not in _NO_DIFFERENCE})
        groups.setdefault(key, []).append(run)
    listed = list(groups.values())
    repeated = any(len(group) > 1 for group in listed)
    seen.expect(f"{where}, groups", [g["runs"] for g in printed["seeds"]], [[r.name for r in g] for g in listed])
    for name in ("knn", "knn best", "knn first", "linear top-1", "loss", "loss best", "contrastive top-1", "images/s"):
        measure = printed["measures"][name]
        seen.expect(f"{where}, {name}", measure["values"], [run.figure(name) for run in chosen])
        judged = name != "knn first" and (not repeated or name == "images/s")
        best = winner(name, [[run] for run in chosen]) if judged else None
        seen.expect(f"{where}, {name}, star", measure["better"], None if best is None else chosen[best].name)
        place_of_best = winner(name, listed) if name != "knn first" else None
        for place, (group, shown) in enumerate(zip(listed, printed["seeds"], strict=True)):
            values = [value for run in group if run.sound and (value := run.figure(name)) is not None]
            got = shown["measures"].get(name)
            seen.expect(f"{where}, {name}, seeds of {group[0].name}", got is not None, bool(values))
            for key, value in (summary(values) if values else {}).items():
                seen.expect(f"{where}, {name} {key}, seeds of {group[0].name}", got[key], value)
            if got is not None:
                seen.expect(f"{where}, {name}, star over seeds", got["better"], place_of_best == place)


def check_sweep(store: str, sweep: str, runs: dict[str, Read], seen: Differences) -> None:
    """Compare `sweep show`: scores, intervals, the best and whether it is told apart."""
    printed = json.loads(simclr("sweep", "show", sweep, "--json", "--runs", store))
    trials = [[runs[name] for name in one["runs"]] for one in printed["results"]]
    for shown, trial in zip(printed["results"], trials, strict=True):
        values = [run.figure("knn") or 0.0 for run in trial if run.sound]
        wanted = summary(values) if values else dict.fromkeys(("mean", "std", "interval"))
        where = f"sweep show {sweep}, trial {shown['trial']}"
        seen.expect(f"{where}, kNN", shown["knn"], wanted["mean"])
        seen.expect(f"{where}, std", shown["knn_std"], wanted["std"])
        seen.expect(f"{where}, interval", shown["knn_interval"], wanted["interval"])
        seen.expect(f"{where}, averaged", shown["averaged"], len(values))
    means = {one["trial"]: one["knn"] for one in printed["results"] if one["knn"] is not None}
    comparable = not alike("knn", [run for trial in trials for run in trial])
    best = max(means, key=lambda trial: means[trial]) if means and comparable else None
    seen.expect(f"sweep show {sweep}, best", printed["best"], best)
    seen.expect(f"sweep show {sweep}, told apart", printed["told_apart"], winner("knn", trials) is not None)


def check(store: str) -> int:
    """Return 1 where a figure is not what the files say."""
    runs = {path.parent.name: read(path.parent) for path in sorted(Path(store).glob("*/run.json"))}
    seen = Differences()
    check_groups(store, runs, seen)
    names = sorted(runs)
    check_comparison(store, names, runs, seen)
    for pair in itertools.islice(itertools.combinations(names, 2), 0, None, max(1, len(names))):
        check_comparison(store, list(pair), runs, seen)
    for folder in sorted(Path(store).glob(".sweeps/*/sweep.json")):
        check_sweep(store, folder.parent.name, runs, seen)
    for sentence in seen.found:
        print(sentence)
    states = sorted({run.state["state"] for run in runs.values()})
    left = [run.name for run in runs.values() if not run.sound]
    print(f"{len(runs)} runs ({', '.join(states)}), {len(left)} of them not counted: {', '.join(left) or 'none'}")
    print(f"{seen.compared:,} figures recomputed, {len(seen.found)} differ")
    return int(bool(seen.found))


if __name__ == "__main__":
    verb, where = sys.argv[1:3]
    if verb == "make":
        make(where, sys.argv[3] if len(sys.argv) > 3 else "shapes")
    else:
        sys.exit(check(where))
