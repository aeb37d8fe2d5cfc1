"""The report of `simclr data inspect`, as the process that reads the data passes it to the one that shows it."""

from __future__ import annotations

import msgspec


class ImageFormat(msgspec.Struct, kw_only=True):
    """Describe the images stored in one format: their number, the range of their sizes in px, and the first name."""

    words: str
    count: int
    first: str
    smallest: tuple[int, int]
    largest: tuple[int, int]


class Channel(msgspec.Struct, kw_only=True):
    """Describe the values of one channel in the decoded images: extremes, percentiles 1, 50 and 99, and a histogram."""

    name: str
    low: float
    high: float
    percentiles: tuple[float, float, float]
    levels: int
    histogram: list[int]


class Duplicates(msgspec.Struct, kw_only=True):
    """Count images whose files are equal byte for byte, within and across the splits, and name some groups."""

    within: int = 0
    across: int = 0
    groups: list[list[str]] = []


class Advice(msgspec.Struct, kw_only=True):
    """Suggest a value of the recipe for this data, with the reason."""

    flag: str
    value: str
    reason: str


class DataReport(msgspec.Struct, kw_only=True):
    """Hold everything that was found. `looked_into` images were decoded; only the headers of the others were read."""

    data: str
    images: int
    test_images: int
    held_out: bool
    looked_into: int
    formats: list[ImageFormat]
    channels: list[Channel]
    range_reason: str
    classes: dict[str, int]
    test_classes: dict[str, int]
    layout: list[str]
    left_out: list[str]
    notes: list[str]
    warnings: list[str]
    duplicates: Duplicates
    damaged: list[str]
    damaged_count: int
    constant: list[str]
    constant_count: int
    advice: list[Advice]
    validation_images: int = 0
    """The images of the data's own validation split; where it has none, a tenth of the labelled training images."""
    refused: str = ""
    """The sentence with which training would refuse this data; '' if it would not."""
    seconds: float = 0.0
