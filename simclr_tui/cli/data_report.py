"""Print what `simclr data inspect` found."""

from __future__ import annotations

import itertools
import shlex

from simclr_tui.cli import output
from simclr_tui.display.data_words import faults, histogram, sizes, splits
from simclr_tui.store.data_report import DataReport
from simclr_tui.text import number, safe

_CLASSES = 12  # shown; of more, the largest and the smallest


def print_report(report: DataReport) -> None:
    """Print the report for a person: what there is, what is wrong with it, and the recipe that it suggests."""
    rows = [[safe(form.words), f"{form.count:,}", sizes(form), safe(form.first)]
            for form in sorted(report.formats, key=lambda form: -form.count)]  # fmt: skip
    output.table(["format", "images", "size", "first"], rows, right=(1,))
    if report.channels:
        output.data()
        output.table(
            ["channel", "lowest", "1 %", "median", "99 %", "highest", "levels", "histogram"],
            [
                [channel.name, *map(number, (channel.low, *channel.percentiles, channel.high)), f"{channel.levels:,}",
                 histogram(channel)]
                for channel in report.channels
            ],
            right=(1, 2, 3, 4, 5, 6),
        )  # fmt: skip
        if report.range_reason:
            output.data(f"range: {report.range_reason} (looked into {report.looked_into:,} images)")
    output.data()
    output.data(splits(report))
    for sentence in itertools.chain(report.layout, report.notes, report.left_out):
        output.data(safe(sentence))
    _print_classes(report)
    for sentence in faults(report):
        output.data(safe(sentence))
    output.data()
    if report.refused:
        output.data(safe(f"training would refuse this: {report.refused}"))
        return
    output.table(["recipe", "", "why"], [[item.flag, safe(item.value), safe(item.reason)] for item in report.advice])
    output.data()
    words = [word for item in report.advice if item.value != "auto" for word in (item.flag, item.value)]
    output.data(safe(f"simclr run {shlex.join(words)}"))


def _print_classes(report: DataReport) -> None:
    if not report.classes:
        return
    ordered = sorted(report.classes.items(), key=lambda item: -item[1])
    shown = ordered if len(ordered) <= _CLASSES else [*ordered[: _CLASSES // 2], *ordered[-_CLASSES // 2 :]]
    rows = [[safe(name), f"{count:,}", f"{report.test_classes.get(name, 0):,}"] for name, count in shown]
    output.data()
    output.table(["class", "train", "test"], rows, right=(1, 2))
    if len(shown) < len(ordered):
        output.data(f"the {_CLASSES // 2} largest and the {_CLASSES // 2} smallest of {len(ordered):,} classes")
    output.data()
