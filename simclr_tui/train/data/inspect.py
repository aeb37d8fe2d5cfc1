"""`python -m simclr_tui.train.data.inspect DATA`: look at a data set, and print what was found as one JSON document."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np

from simclr_tui.errors import DataError, ExitCode, SimclrError
from simclr_tui.recipe.datasets import KNOWN, check_data
from simclr_tui.recipe.layout import Layout
from simclr_tui.recipe.reading import Reading
from simclr_tui.recipe.refusals import Refusal, refusal, together
from simclr_tui.store.data_report import Advice, Channel, DataReport, Duplicates, ImageFormat
from simclr_tui.text import safe
from simclr_tui.train.data.each import Progress
from simclr_tui.train.data.headers_of import Looked, equal_images, look_at
from simclr_tui.train.data.lazy_images import DAMAGED_LIMIT, too_many
from simclr_tui.train.data.open_images import side_cap
from simclr_tui.train.data.progress_line import ProgressLine
from simclr_tui.train.data.quality import looked_at
from simclr_tui.train.data.scaling import Scaling, not_finite, pick_channels
from simclr_tui.train.data.sources import Source, open_source, values_of
from simclr_tui.train.data.sources.refusals import Refused, for_each_accepted
from simclr_tui.train.data.splits import Split, chosen
from simclr_tui.train.data.survey import Format, Survey, choose_alike, format_of
from simclr_tui.train.data.validation import describe_groups
from simclr_tui.train.data.value_range import Values, acceptable_values, choose_range, refuse_complex

_LOOKED_INTO = 256  # images that are decoded
_BINS = 64
_NAMED = 10
_SIDES = (32, 64, 96, 128, 160, 224)


def inspect_data(data: str, reading: Reading, progress: Progress) -> DataReport:
    """Look at every image's header, and into some images. Raises DataError where there is nothing to look at."""
    began = time.monotonic()
    check_data(data, reading)
    source = open_source(data, reading.tiles)
    layout = source.layout(reading)
    train, test, validation = chosen(layout, 0, reading)
    names = (*train.names, *test.names, *validation.names)
    looks = look_at(source, names, progress)
    survey, formats = _survey(names, looks)
    report = DataReport(
        data=data, images=len(train.names), test_images=len(test.names), held_out=layout.held_out, looked_into=0,
        formats=formats, channels=[], range_reason="", classes=_counts(layout, train),
        test_classes=_counts(layout, test), validation_images=len(validation.names),
        layout=_layout(layout, train), left_out=list(layout.left_out), notes=[],
        warnings=[], duplicates=_duplicates(source, names, looks, tests={*test.names, *validation.names}),
        damaged=list(survey.damaged[:_NAMED]), damaged_count=len(survey.damaged), constant=[], constant_count=0,
        advice=[], refused=_refused(looks),
    )  # fmt: skip
    if not report.refused and survey.formats:
        try:
            held_out = (*test.names, *validation.names)
            _look_into(report, source, train, survey=survey, reading=reading, progress=progress, held_out=held_out)
        except SimclrError as error:
            report.refused = report.refused or str(error)  # values that are not finite are refused before a range
    if report.damaged_count > DAMAGED_LIMIT * len(names):
        report.refused = report.refused or str(too_many(survey.damaged, len(names)))
    report.advice = _advice(report, survey, reading)
    report.seconds = round(time.monotonic() - began, 2)
    return report


def _refused(looks: Sequence[Looked]) -> str:
    refused = [look.refusal for look in looks if look.refusal is not None]
    return str(together(refused)) if refused else ""


def _survey(names: Sequence[str], looks: Sequence[Looked]) -> tuple[Survey, list[ImageFormat]]:
    found: dict[Format, ImageFormat] = {}
    side, damaged = 1, []
    for name, look in zip(names, looks, strict=True):
        header = look.header
        if header is None:
            damaged += [] if look.refusal else [name]
            continue
        size, form = (header.width, header.height), format_of(header)
        side = max(side, header.side)
        known = found.get(form)
        if known is None:
            found[form] = ImageFormat(words=form.words, count=1, first=name, smallest=size, largest=size)
            continue
        known.count += 1
        known.smallest = min(known.smallest, size, key=lambda size: size[0] * size[1])
        known.largest = max(known.largest, size, key=lambda size: size[0] * size[1])
    formats = {form: (about.count, about.first) for form, about in found.items()}
    return Survey(side, formats, tuple(sorted(damaged))), list(found.values())


def _layout(layout: Layout, train: Split) -> list[str]:
    """Return how classes and splits were found, and how groups are held out for validation."""
    groups = (
        describe_groups(train.names, train.labels, train.groups) if layout.classes and not layout.validation else ""
    )
    return [*layout.notes, *([groups] if groups else [])]


def _counts(layout: Layout, split: Split) -> dict[str, int]:
    counts = Counter(split.labels.tolist())
    return {name: counts[number] for number, name in enumerate(layout.classes)}


def _duplicates(source: Source, names: Sequence[str], looks: Sequence[Looked], *, tests: set[str]) -> Duplicates:
    groups = equal_images(source, names, looks)
    across = [group for group in groups if 0 < sum(name in tests for name in group) < len(group)]
    sides = [sum(name in tests for name in group) for group in groups]
    return Duplicates(
        within=sum(
            len(group) - (held if held < len(group) else 0) - 1 for group, held in zip(groups, sides, strict=True)
        ),
        across=sum(sum(name in tests for name in group) for group in across),
        groups=[
            group[:4] for group in (across + [group for group in groups[:50] if group not in across[:50]])[:_NAMED]
        ],
    )


def _look_into(
    report: DataReport, source: Source, train: Split, *, survey: Survey, reading: Reading, progress: Progress,
    held_out: Sequence[str] = (),
) -> None:  # fmt: skip
    """Decode some images: the values of every channel, what range training would choose, and what is constant.

    Of images that are held out, whether they would be refused.
    """
    channels, notes = choose_alike(survey, reading)
    report.notes += notes
    damaged = set(survey.damaged)
    good, others = ([name for name in names if name not in damaged] for names in (train.names, held_out))
    exact = all(form.dtype.startswith(("uint", "int", "bool")) for form in survey.formats)
    some, apart = _spaced(good), [] if exact else _spaced(others)
    values, constant, refusals = Values(), list[str](), dict[str, Refusal]()

    def look(_: int, name: str) -> bool:
        image, header = values_of(source, name, 1 << 30)
        picked = pick_channels(image, header, channels)
        refuse_complex(picked, name)
        if picked.dtype.kind == "b":
            picked = picked.astype(np.uint8)
        finite = picked if picked.dtype.kind != "f" else np.nan_to_num(picked)
        values.add(finite, max(256, (1 << 21) // len(some)))
        if np.all(picked.min(axis=(0, 1)) == picked.max(axis=(0, 1))):  # which NaN is not
            constant.append(name)
        if reading.bounds is None and (bad := int(picked.size - np.isfinite(picked).sum())):
            refusals[name] = refusal(not_finite(safe(name), bad), name)
        return True

    whole = for_each_accepted("looking into images", some, look, progress=progress)
    report.looked_into = sum(found is not None for found in whole)
    bad = [name for name, found in zip(some, whole, strict=True) if found is None]
    report.damaged, report.damaged_count = (report.damaged + bad)[:_NAMED], report.damaged_count + len(bad)
    report.constant, report.constant_count = sorted(constant)[:_NAMED], len(constant)
    if not values.images:
        return
    nan_is_low = reading.bounds is not None
    apart_refused = Refused()
    for_each_accepted(
        "looking into held-out images", apart,
        lambda _, name: bool(acceptable_values(source, name, channels, nan_is_low=nan_is_low).size),
        progress=progress, refused=apart_refused,
    )  # fmt: skip
    odd = [*(refusals[name] for name in some if name in refusals), *apart_refused.found]
    if odd:
        all_known = report.looked_into == len(good) and len(apart) == len(others)
        report.refused = str(together(odd, all_known=all_known))
    report.channels = [_channel(values, number, channels) for number in range(len(channels))]
    eight_bits = all(form.dtype == "uint8" for form in survey.formats)
    picked = choose_range(Scaling(1, channels), reading, eight_bits, values=values)
    report.range_reason, report.warnings = picked.reason, [*report.warnings, *picked.warnings]


def _spaced(names: Sequence[str]) -> list[str]:
    """Return evenly spaced names, as many as are looked into."""
    return [names[place] for place in looked_at(len(names), _LOOKED_INTO)]


def _channel(values: Values, number: int, channels: tuple[int, ...]) -> Channel:
    sample = values.sample()[:, number]
    assert values.low is not None
    assert values.high is not None
    low, high = float(values.low[number]), float(values.high[number])
    p1, p50, p99 = map(float, np.percentile(sample, (1, 50, 99)))
    histogram, _ = np.histogram(sample, _BINS, (low, high if high > low else low + 1))
    name = "values" if len(channels) == 1 else f"channel {channels[number] + 1}"
    return Channel(
        name=name, low=low, high=high, percentiles=(p1, p50, p99), levels=len(np.unique(sample)),
        histogram=histogram.tolist(),
    )  # fmt: skip


_SPANS = 4  # channels whose values the reason for a range names


def _advice(report: DataReport, survey: Survey, reading: Reading) -> list[Advice]:
    """Return the recipe that the data suggests, value by value, with the reason for each."""
    advice = [Advice(flag="--data", value=report.data, reason="what was looked at")]
    side = next((side for side in reversed(_SIDES) if side <= survey.side), _SIDES[0])
    if not reading.tiles and survey.side > 4 * _SIDES[-1]:
        advice.append(
            Advice(
                flag="--tile", value=str(2 * _SIDES[-1]),
                reason=f"images of {survey.side:,} px would be shrunk to {side_cap(side)}: cut them up instead",
            )
        )  # fmt: skip
    advice.append(Advice(flag="--image-size", value=str(side), reason=f"the shorter side is up to {survey.side:,} px"))
    for flag in ("labels", "range", "channels", "tile"):
        value = getattr(reading, flag)
        if value != getattr(Reading(), flag):
            advice.append(Advice(flag=f"--{flag}", value=value, reason="as given"))
    if report.images < 2 * 256:
        batch = max(2, 2 ** int(np.log2(max(2, report.images // 4))))
        advice.append(Advice(flag="--bs", value=str(batch), reason=f"{report.images:,} images to draw batches from"))
    if report.channels and not report.range_reason.startswith("8 bits") and reading.range == "auto":
        spans = ", ".join(f"{c.low:g} to {c.high:g}" for c in report.channels[:_SPANS])
        spans += ", …" if len(report.channels) > _SPANS else ""
        advice.append(Advice(flag="--range", value="auto", reason=f"{report.range_reason}; found {spans}"))
    if not report.classes:
        advice.append(Advice(flag="--knn-every", value="0", reason="no labels to measure kNN by"))
    return advice


def main(arguments: list[str] | None = None) -> int:
    """Look at the data set of the command line. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m simclr_tui.train.data.inspect", description=__doc__)
    parser.add_argument("data")
    for name in ("range", "channels", "labels", "tile"):
        parser.add_argument(f"--{name}", default=getattr(Reading(), name))
    given = parser.parse_args(arguments)
    reading = Reading(given.range, given.channels, given.labels, given.tile)
    try:
        if given.data in KNOWN or given.data == "auto":
            raise DataError(
                f"{given.data} is a known data set", "simclr data ls says what it holds; look at images of yours"
            )
        report = inspect_data(given.data, reading.check(), ProgressLine())
    except SimclrError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
