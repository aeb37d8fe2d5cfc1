"""Print what `simclr data inspect` found."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator

from simclr_tui.cli import output
from simclr_tui.store.data_report import DataReport
from simclr_tui.text import number, safe, sparkline

_CLASSES = 12  # shown; of more, the largest and the smallest


def print_report(report: DataReport) -> None:
    """Print the report for a person: what there is, what is wrong with it, and the recipe that it suggests."""
    rows = [[safe(form.words), f"{form.count:,}", _sizes(form.smallest, form.largest), safe(form.first)]
            for form in sorted(report.formats, key=lambda form: -form.count)]  # fmt: skip
    output.table(["format", "images", "size", "first"], rows, right=(1,))
    if report.channels:
        output.data()
        output.table(
            ["channel", "lowest", "1 %", "median", "99 %", "highest", "levels", "histogram"],
            [
                [channel.name, *map(number, (channel.low, *channel.percentiles, channel.high)), f"{channel.levels:,}",
                 sparkline([float(count) for count in channel.histogram])]
                for channel in report.channels
            ],
            right=(1, 2, 3, 4, 5, 6),
        )  # fmt: skip
        output.data(f"range: {report.range_reason} (looked into {report.looked_into:,} images)")
    output.data()
    held = " (held out)" if report.held_out else ""
    output.data(f"{report.images:,} images to train on, {report.test_images:,} to test on{held}")
    for sentence in itertools.chain(report.layout, report.notes, report.left_out):
        output.data(safe(sentence))
    _print_classes(report)
    for sentence in _faults(report):
        output.data(safe(sentence))
    output.data()
    if report.refused:
        output.data(safe(f"training would refuse this: {report.refused}"))
        return
    output.table(["recipe", "", "why"], [[item.flag, safe(item.value), safe(item.reason)] for item in report.advice])
    output.data()
    words = [word for item in report.advice if item.value != "auto" for word in (item.flag, item.value)]
    output.data(safe(f"simclr run {shlex.join(words)}"))


def _sizes(smallest: tuple[int, int], largest: tuple[int, int]) -> str:
    first, last = (f"{width:,} × {height:,}" for width, height in (smallest, largest))
    return first if first == last else f"{first} to {last}"


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


def _faults(report: DataReport) -> Iterator[str]:
    """Yield a sentence for everything that may spoil a run."""
    for warning in report.warnings:
        yield f"warning: {warning}"
    copies = report.duplicates
    if copies.across:
        yield f"warning: {copies.across:,} test images are training images too, byte for byte: results will flatter"
    if copies.within:
        yield f"{copies.within:,} images are copies of another, byte for byte"
    for group in copies.groups[:3]:
        yield f"  equal: {', '.join(group)}"
    if report.constant_count:
        of = f"{report.constant_count:,} of the {report.looked_into:,} images looked into"
        yield f"warning: {of} are constant ({', '.join(report.constant[:3])})"
    if report.damaged_count:
        are = "images are" if report.damaged_count > 1 else "image is"
        yield f"warning: {report.damaged_count:,} {are} damaged ({', '.join(report.damaged[:3])})"
