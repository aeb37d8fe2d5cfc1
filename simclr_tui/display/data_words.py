"""Say what a look at a data set found, for the command line and the form."""

from __future__ import annotations

from collections.abc import Iterator

from simclr_tui.recipe.split_counts import SplitCounts
from simclr_tui.store.data_report import Channel, DataReport, ImageFormat
from simclr_tui.text import number, sparkline

_CHANNELS = 4  # drawn in a few lines; all of them in a table


def sizes(form: ImageFormat) -> str:
    """Return the sizes of a format's images: `48 × 48`, or `48 × 48 to 90 × 60`."""
    first, last = (f"{width:,} × {height:,}" for width, height in (form.smallest, form.largest))
    return first if first == last else f"{first} to {last}"


def splits(report: DataReport, subset: int = 0) -> str:
    """Return how many images train, validate (where the data has a split for that) and test, at most `subset` of each
    (0: all)."""
    counts = SplitCounts(report.images, report.test_images, report.validation_images, report.held_out)
    return counts.drawn(subset).words


def histogram(channel: Channel) -> str:
    """Return a channel's histogram in one line."""
    return sparkline([float(count) for count in channel.histogram])


def short_form(report: DataReport) -> Iterator[str]:
    """Yield formats, values and range of a data set in a few lines."""
    for form in sorted(report.formats, key=lambda form: -form.count):
        yield f"{form.words}, {form.count:,} of {sizes(form)} px"
    for channel in report.channels[:_CHANNELS]:
        yield f"{channel.name} {number(channel.low)} to {number(channel.high)} {histogram(channel)}"
    if (more := len(report.channels) - _CHANNELS) > 0:
        yield f"and {more} more channel{'s' if more > 1 else ''}"
    if report.range_reason:
        yield f"range: {report.range_reason}"


def faults(report: DataReport) -> Iterator[str]:
    """Yield a sentence for everything that may spoil a run."""
    for warning in report.warnings:
        yield f"warning: {warning}"
    copies = report.duplicates
    if copies.across:
        held = "test and validation images" if report.validation_images else "test images"
        yield f"warning: {copies.across:,} {held} are training images too, byte for byte: results will flatter"
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
