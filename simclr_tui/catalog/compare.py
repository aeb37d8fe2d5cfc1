"""Compare runs, their recipes and results, for `simclr compare` and the dashboard's Compare screen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from simclr_tui.catalog.bands import has_mean
from simclr_tui.catalog.measures import SIGNS, Evaluated, Measure, measures_of, spread_words
from simclr_tui.catalog.spread import Spread, spread_of
from simclr_tui.catalog.verdict import Sample, Verdict, judge
from simclr_tui.recipe.fields import Value, differ, fields, without_result
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.comparable import (
    EVALUATED_DIGESTS,
    OTHER_IMAGES,
    are_others,
    evaluated_on,
    knn_images,
    measured_by,
    measured_differently,
    other_images,
    why_left_out,
)
from simclr_tui.store.evaluations import read_evaluation
from simclr_tui.store.metrics.history import History
from simclr_tui.store.metrics.metric_table import COLUMNS, METRICS
from simclr_tui.store.run import Run
from simclr_tui.store.state import State


@dataclass(frozen=True)
class Seeds:
    """Group runs whose recipes differ only in the seed, by their indices in `places`.

    `sound` are those that finished and are healthy; over them, `spreads` has one entry per measure. `mixed` names the
    metrics that were measured on other images in some of them than in the rest.
    """

    places: tuple[int, ...]
    sound: tuple[int, ...]
    spreads: tuple[Spread | None, ...]
    mixed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Comparison:
    """Hold runs side by side. `differences` maps short field names to one value per run.

    `left_out` says in a word why a run is neither averaged nor called the best (empty if it counts); `verdicts` say
    what can be concluded and what cannot.
    """

    runs: tuple[Run, ...]
    states: tuple[State, ...]
    histories: tuple[History, ...]
    differences: dict[str, list[Value | None]]
    measures: tuple[Measure, ...]
    seeds: tuple[Seeds, ...]
    left_out: tuple[str, ...]
    over_seeds: tuple[Verdict, ...]
    verdicts: tuple[str, ...]

    @property
    def no_difference(self) -> str:
        """Return what to say where no field differs: the recipes are the same, or one is not known in full."""
        return "not known in full" if any(run.is_partly_known for run in self.runs) else "the same"

    @property
    def repeated(self) -> bool:
        """Return whether some of the runs differ only in the seed."""
        return any(len(group.places) > 1 for group in self.seeds)

    def averaged(self, metric: str) -> tuple[tuple[str, ...], ...]:
        """Return the names of runs whose mean of a metric says something: of each such group two or more.

        They differ only in the seed, count, and were measured on the same images. A machine's speed has no mean.
        """
        if not has_mean(metric):
            return ()
        alike = (group.sound for group in self.seeds if metric not in group.mixed and len(group.sound) > 1)
        return tuple(tuple(self.runs[place].name for place in sound) for sound in alike)

    def group_title(self, group: Seeds) -> str:
        """Return `run1, run3 (2 seeds)`, or `run1, run3 (1 of 2 seeds)` if one of them is left out."""
        names = ", ".join(self.runs[place].name for place in group.places)
        if len(group.places) == 1:
            return names
        of = "" if len(group.sound) == len(group.places) else f"{len(group.sound)} of "
        return f"{names} ({of}{len(group.places)} seeds)"

    def group_rows(self) -> list[tuple[str, list[str], int | None]]:
        """Return the rows of the table over seeds: name, one text per group, and the index of the best group.

        Fields that differ between the groups come first, then mean ± std of each measure that some run has. The index
        is None if no group is told apart as the best.
        """
        firsts = [group.places[0] for group in self.seeds]
        rows: list[tuple[str, list[str], int | None]] = []
        for name, values in self.differences.items():
            chosen = [str(values[place]) for place in firsts]
            if name != "seed" and len(set(chosen)) > 1:
                rows.append((name, chosen, None))
        for index, measure in enumerate(self.measures):
            spreads = [group.spreads[index] for group in self.seeds]
            if any(spreads):
                words = [spread_words(spread, measure.unit) for spread in spreads]
                rows.append((measure.title, words, self.over_seeds[index].winner))
        return rows

    def _seeds_json(self) -> list[dict[str, Any]]:
        return [
            {
                "runs": [self.runs[place].name for place in group.places],
                "averaged": [self.runs[place].name for place in group.sound],
                "measures": {
                    measure.name: spread.as_json() | {"better": self.over_seeds[index].winner == place}
                    for index, (measure, spread) in enumerate(zip(self.measures, group.spreads, strict=True))
                    if spread is not None
                },
            }
            for place, group in enumerate(self.seeds)
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the stable form of `compare --json`."""
        return {
            "runs": [run.name for run in self.runs],
            "states": [state.state for state in self.states],
            "left_out": {run.name: why for run, why in zip(self.runs, self.left_out, strict=True) if why},
            "differences": self.differences,
            "measures": {
                measure.name: {
                    "values": list(measure.values),
                    "unit": SIGNS[measure.unit],
                    "better": None if measure.better is None else self.runs[measure.better].name,
                }
                for measure in self.measures
            },
            "seeds": self._seeds_json(),
            "verdicts": list(self.verdicts),
        }


def _differences(runs: Sequence[Run]) -> dict[str, list[Value | None]]:
    """Return the fields whose known values differ, with each run's value."""
    known = [run.resolved.known_values() for run in runs]
    rows = {name: [values[name] for values in known] for name in known[0] if name not in without_result()}
    return {name: values for name, values in rows.items() if differ(values)}


_EVALUATIONS = ("knn", *(metric.evaluation for metric in COLUMNS if metric.evaluation))
_CONCLUDED = ("knn", "linear top-1", "loss")  # measures that get a sentence if they are judged


def compare(runs: Sequence[Run]) -> Comparison:
    """Read the runs and compare them; one that is named twice counts once. Raises StoreError if one cannot be read."""
    runs = list({run.path.resolve(): run for run in runs}.values())
    states = tuple(run.status for run in runs)
    histories = tuple(run.history() for run in runs)
    recipes = [run.recipe for run in runs]
    left_out = tuple(why_left_out(state.state, state.flags) for state in states)
    evaluated = {stem: [read_evaluation(run.paths, stem) for run in runs] for stem in _EVALUATIONS}
    measures = measures_of(histories, states, evaluated)
    judging = _Judging(runs, recipes, states, evaluated, left_out)
    seeds = _seeds(judging, measures)
    repeated = any(len(group.places) > 1 for group in seeds)
    over_seeds = tuple(judging.groups(measure, seeds) for measure in measures)
    alone = tuple((place,) for place in range(len(runs)))
    verdicts = [judging.places(measure, alone) for measure in measures]
    if repeated:  # a single seed among several says nothing about its recipe, except how fast it ran
        verdicts = [
            one if measure.metric and METRICS[measure.metric].within == "machine" else Verdict()
            for one, measure in zip(verdicts, measures, strict=True)
        ]
    said = over_seeds if repeated else verdicts
    differences = _differences(runs)
    return Comparison(
        runs=tuple(runs),
        states=states,
        histories=histories,
        differences=differences,
        measures=tuple(
            replace(
                measure,
                better=verdict.winner,
                verdict=verdict.words,
                comparable=judging.alike(measure.metric, differences),
            )
            for measure, verdict in zip(measures, verdicts, strict=True)
        ),
        seeds=seeds,
        left_out=left_out,
        over_seeds=over_seeds,
        verdicts=(
            *_sentences(runs, left_out, measures, verdicts=said),
            *_not_averaged(judging, measures, seeds),
            *_without_labels(states, left_out),
        ),
    )


def _sentences(
    runs: Sequence[Run], left_out: Sequence[str], measures: Sequence[Measure], *, verdicts: Sequence[Verdict]
) -> tuple[str, ...]:
    """Return what can be concluded: which runs are left out and why, then one sentence per judged measure."""
    out = [f"{run.name} ({why})" for run, why in zip(runs, left_out, strict=True) if why]
    said = [f"Not averaged and not ranked: {', '.join(out)}."] if out else []
    judged = zip(measures, verdicts, strict=True)
    return (*said, *(one.words for measure, one in judged if one.words and measure.name in _CONCLUDED))


def _not_averaged(judging: _Judging, measures: Sequence[Measure], seeds: Sequence[Seeds]) -> tuple[str, ...]:
    """Return a sentence for each measure that has no mean over some seeds, because other images were measured on."""
    found = []
    for measure in (one for one in measures if one.name in _CONCLUDED):
        for group in seeds:
            if mixed := judging.mixed(measure, group.sound):
                names = ", ".join(judging.runs[place].name for place in group.sound)
                found.append(f"{measure.title}: no mean over {names}, which differ in {', '.join(mixed)}.")
    return tuple(found)


_WITHOUT_LABELS = (
    "No labels, so no winner: rank, alignment and uniformity tell whether an encoder has collapsed, and not which of"
    " two is better (docs/method.md). Judge each on labelled images: simclr eval RUN --data DATA."
)


def _without_labels(states: Sequence[State], left_out: Sequence[str]) -> tuple[str, ...]:
    """Return what is to be said where several runs that count have no labels to be measured by."""
    counted = [state for state, why in zip(states, left_out, strict=True) if not why]
    unlabelled = len(counted) > 1 and all(state.facts.get("classes") == 0 for state in counted)
    return (_WITHOUT_LABELS,) if unlabelled else ()


@dataclass(frozen=True)
class _Judging:
    """Judge between runs, from what they were measured on and which of them count."""

    runs: Sequence[Run]
    recipes: Sequence[Recipe]
    states: Sequence[State]
    evaluated: Evaluated
    left_out: Sequence[str]

    def groups(self, measure: Measure, seeds: Sequence[Seeds]) -> Verdict:
        """Judge recipes by their seeds."""
        return self.places(measure, [group.sound for group in seeds])

    def places(self, measure: Measure, groups: Sequence[tuple[int, ...]]) -> Verdict:
        """Judge groups of runs, given by their indices, without the runs that do not count."""
        if not measure.metric:
            return Verdict()
        about = METRICS[measure.metric]
        samples = [self._sample(measure, [place for place in group if not self.left_out[place]]) for group in groups]
        counted = [place for group in groups for place in group if not self.left_out[place]]
        there = [place for place in counted if measure.values[place] is not None]
        return judge(
            about.title,
            samples,
            about.better,
            share=about.unit == "share",
            differently=self._differently(measure.metric, there),
        )

    def _sample(self, measure: Measure, places: Sequence[int]) -> Sample | None:
        known = [(place, value) for place in places if (value := measure.values[place]) is not None and value == value]
        if not known:
            return None
        return Sample(
            name=" and ".join(self.runs[place].name for place, _ in known),
            values=tuple(value for _, value in known),
            seeds=tuple(self.recipes[place].seed for place, _ in known),
            images=min(self._images(measure.metric, place) for place, _ in known),
        )

    def _images(self, metric: str, place: int) -> int:
        """Return how many test images the accuracy of a run was measured on; 0 if that is not known."""
        within = METRICS[metric].within
        if within == "test":
            evaluation = self.evaluated[METRICS[metric].evaluation][place]
            return evaluation.test_images if evaluation else 0
        return knn_images(self.states[place].facts) if within == "labels" else 0

    def _differently(self, metric: str, places: Sequence[int]) -> tuple[str, ...]:
        if METRICS[metric].within == "machine":
            machines = {(self.runs[place].info.host, self.states[place].facts.get("device")) for place in places}
            return ("the machine",) if len(machines) > 1 else ()
        return measured_differently(metric, [self._known(place) for place in places])

    def alike(self, metric: str, differences: Collection[str]) -> bool:
        """Return whether all runs were measured alike, as far as is known; `differences` are fields in which they are
        known to differ."""
        within = METRICS[metric].within if metric in METRICS else ""
        known = [self._known(place) for place in range(len(self.runs))]
        return not set(measured_by(within)) & set(differences) and not other_images(metric, known)

    def mixed(self, measure: Measure, places: Sequence[int]) -> tuple[str, ...]:
        """Return how runs of one recipe were measured on other images than each other; empty if they were not."""
        there = [at for at in places if measure.values[at] is not None]
        if measure.evaluation and not measure.metric:
            results = (self.evaluated[measure.evaluation][at] for at in there)
            return (OTHER_IMAGES,) if are_others(one.test_digest for one in results if one) else ()
        return other_images(measure.metric, [self._known(at) for at in there])

    def mixed_series(self, places: Sequence[int]) -> frozenset[str]:
        """Return the metrics that runs of one recipe have logged on other images than each other."""
        known = [self._known(place) for place in places]
        return frozenset(name for name, metric in METRICS.items() if metric.series and other_images(name, known))

    def _known(self, place: int) -> dict[str, Any]:
        measured = {
            digest: one.test_digest if (one := self.evaluated[METRICS[name].evaluation][place]) else ""
            for name, digest in EVALUATED_DIGESTS.items()
        }
        return self.runs[place].resolved.known_values() | evaluated_on(self.states[place].facts) | measured


def _seeds(judging: _Judging, measures: Sequence[Measure]) -> tuple[Seeds, ...]:
    """Return the runs in groups that differ only in the seed, in the order of their first runs; those that are not
    known in full stand alone."""
    alike = {"seed": 0} | {item.key: item.default for item in fields() if not item.result}
    groups: dict[tuple[Recipe, int], list[int]] = {}
    for place, recipe in enumerate(judging.recipes):
        alone = judging.runs[place].is_partly_known
        key = (msgspec.structs.replace(recipe, **alike), place if alone else -1)
        groups.setdefault(key, []).append(place)
    found: list[Seeds] = []
    for places in groups.values():
        sound = tuple(place for place in places if not judging.left_out[place])
        spreads = tuple(
            None if judging.mixed(measure, sound) else spread_of(measure.values[place] for place in sound)
            for measure in measures
        )
        found.append(Seeds(tuple(places), sound, spreads, judging.mixed_series(sound)))
    return tuple(found)
