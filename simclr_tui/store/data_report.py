"""What `simclr data inspect` found, as the process that looks hands it to the one that shows."""

from __future__ import annotations

import msgspec


class ImageFormat(msgspec.Struct, kw_only=True):
    """Images that are stored alike: their number, the span of their sizes in px, and the first one's name."""

    words: str
    count: int
    first: str
    smallest: tuple[int, int]
    largest: tuple[int, int]


class Channel(msgspec.Struct, kw_only=True):
    """The values of one channel over the images looked into: extremes, percentiles 1, 50 and 99, and a histogram."""

    name: str
    low: float
    high: float
    percentiles: tuple[float, float, float]
    levels: int
    histogram: list[int]


class Duplicates(msgspec.Struct, kw_only=True):
    """Images whose files are equal to the byte: how many are copies of another, and some groups by name."""

    within: int = 0
    across: int = 0
    groups: list[list[str]] = []


class Advice(msgspec.Struct, kw_only=True):
    """One value of the recipe that the data suggests, and why."""

    flag: str
    value: str
    reason: str


class DataReport(msgspec.Struct, kw_only=True):
    """Everything that was found. `looked_into` images were decoded; of all others the header was read."""

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
    refused: str = ""
    """Why training would refuse this data, in the sentence that it would say; '' where it would not."""
    seconds: float = 0.0
