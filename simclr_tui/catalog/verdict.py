"""Judge whether one result is better than another or the difference may be noise, with a sentence that says so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from simclr_tui.catalog.spread import spread_of
from simclr_tui.catalog.student import t_quantile
from simclr_tui.store.metrics.metric_table import Better
from simclr_tui.text import number


@dataclass(frozen=True)
class Sample:
    """Hold the results of one recipe, one value per seed, in the order of `seeds`.

    `images` is how many images an accuracy was measured on; 0 if that is not known or the values are no accuracy.
    """

    name: str
    values: tuple[float, ...]
    seeds: tuple[int, ...] = ()
    images: int = 0

    @property
    def mean(self) -> float:
        return math.fsum(self.values) / len(self.values)


@dataclass(frozen=True)
class Difference:
    """Hold the difference of two results: `mean` is that of the first minus that of the second.

    `half` is half the width of its 95% interval, or None if the size of the noise is unknown; `by` says how it was
    found.
    """

    mean: float
    half: float | None
    by: str

    @property
    def told_apart(self) -> bool:
        return self.mean != 0 and (self.half is None or abs(self.mean) > self.half)


def difference(first: Sample, second: Sample) -> Difference:
    """Return how far two results are apart, and how far they might be by chance.

    The same seeds are compared in pairs, other seeds by Welch's interval, one run against several by the spread of the
    several, and two single runs by two standard errors of an accuracy on that many images.
    """
    apart = first.mean - second.mean
    many, few = sorted((len(first.values), len(second.values)), reverse=True)
    if few > 1:
        shared = set(first.seeds) == set(second.seeds) and len(first.seeds) == len(set(first.seeds)) == many
        return _paired(first, second) if shared and few == many else _welch(first, second, apart)
    if many > 1:
        return Difference(apart, _one_more(max(first, second, key=lambda one: len(one.values))), "the spread of seeds")
    if first.images and second.images:
        error = math.hypot(standard_error(first.mean, first.images), standard_error(second.mean, second.images))
        return Difference(apart, 2.0 * error, f"{min(first.images, second.images):,} images")
    return Difference(apart, None, "")


def standard_error(share: float, images: int) -> float:
    """Return the standard error of an accuracy (0–1) measured on `images` images.

    It is Agresti and Coull's, which is not zero at 0 and 1.
    """
    middle = (share * images + 2.0) / (images + 4.0)
    return math.sqrt(middle * (1.0 - middle) / (images + 4.0))


def _paired(first: Sample, second: Sample) -> Difference:
    others = dict(zip(second.seeds, second.values, strict=True))
    found = spread_of(value - others[seed] for seed, value in zip(first.seeds, first.values, strict=True))
    assert found is not None
    return Difference(found.mean, found.half, f"{found.count} seeds in pairs")


def _welch(first: Sample, second: Sample, apart: float) -> Difference:
    one, two = spread_of(first.values), spread_of(second.values)
    assert one is not None
    assert two is not None
    a, b = (one.std or 0.0) ** 2 / one.count, (two.std or 0.0) ** 2 / two.count
    by = f"{one.count} and {two.count} seeds"
    if a + b == 0:
        return Difference(apart, 0.0, by)
    freedom = (a + b) ** 2 / (a**2 / (one.count - 1) + b**2 / (two.count - 1))
    return Difference(apart, t_quantile(freedom) * math.sqrt(a + b), by)


def _one_more(several: Sample) -> float:
    """Return half the interval in which one more seed of the several would lie."""
    found = spread_of(several.values)
    assert found is not None
    return t_quantile(found.count - 1) * (found.std or 0.0) * math.sqrt(1.0 + 1.0 / found.count)


@dataclass(frozen=True)
class Verdict:
    """Hold the outcome: `winner` is the index of the best result, or None, and `words` one sentence.

    `words` is empty if there was nothing to judge.
    """

    winner: int | None = None
    words: str = ""


def judge(
    title: str,
    samples: Sequence[Sample | None],
    better: Better,
    *,
    share: bool = False,
    differently: Sequence[str] = (),
) -> Verdict:
    """Name the best of several results, unless they were measured `differently` or the second best is not told apart.

    A sample is None if a recipe has no result to judge.
    """
    there = [(place, one) for place, one in enumerate(samples) if one is not None and one.values]
    if not better or len(there) < 2:
        return Verdict()
    if differently:
        return Verdict(None, f"{title}: no winner, because the runs differ in {_listed(differently)}.")
    ranked = sorted(there, key=lambda item: item[1].mean, reverse=better == "highest")
    (place, best), (_, second) = ranked[:2]
    found = difference(best, second)
    if found.mean == 0:
        return Verdict(None, f"{title}: {best.name} and {second.name} are equal.")
    apart = _amount(abs(found.mean), share)
    if not found.told_apart:
        noise = _amount(found.half or 0.0, share)
        pair = f"{title}: {best.name} and {second.name} cannot be told apart"
        return Verdict(None, f"{pair}: {apart} between them, ±{noise} from {found.by}.")
    within = "" if found.half is None else f" ± {_amount(found.half, share)} ({found.by})"
    are = "are" if " and " in best.name else "is"  # several seeds
    return Verdict(place, f"{title}: {best.name} {are} better than {second.name} by {apart}{within}.")


def _amount(value: float, share: bool) -> str:
    return f"{100 * value:.1f} points" if share else number(value)


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:4]) + ([f"{len(names) - 4} more"] if len(names) > 4 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
