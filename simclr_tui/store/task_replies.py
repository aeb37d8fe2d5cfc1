"""What a process of the training plane hands back to a face: one JSON document on its standard output."""

from __future__ import annotations

import msgspec

from simclr_tui.store.picture import Picture


class Failure(msgspec.Struct, frozen=True):
    """The error that ended the process; its exit code is the error's."""

    message: str
    hint: str = ""


class ViewsShown(msgspec.Struct, frozen=True):
    """An image and what a run's encoder would be shown of it. `label` is its class, if known."""

    index: int
    label: str
    original: Picture
    views: tuple[Picture, Picture]


class Preview(msgspec.Struct, frozen=True):
    """Views of a few images. `file` is where the PNG was written, empty when none was asked for.

    `channels` says which channels are drawn where the images are not RGB.
    """

    images: list[ViewsShown]
    file: str = ""
    channels: str = ""


class Neighbor(msgspec.Struct, frozen=True):
    """An image of the data set and the cosine of its h with that of the image asked about."""

    index: int
    split: str
    label: str
    path: str
    similarity: float
    picture: Picture


class Neighbors(msgspec.Struct, frozen=True):
    """The nearest images first. `images` is how many were compared, `step` the checkpoint's.

    `channels` says which channels are drawn where the images are not RGB.
    """

    query: Picture
    label: str
    step: int
    images: int
    neighbors: list[Neighbor]
    channels: str = ""


class Written(msgspec.Struct, frozen=True):
    """Files that were written, the one asked for first, and a sentence on what is in it."""

    files: list[str]
    bytes: int
    content: str


class Point(msgspec.Struct, frozen=True):
    """An image's h on the two principal components. `label` is its class, empty where it has none."""

    x: float
    y: float
    label: str
    index: int
    split: str


class Projection(msgspec.Struct, frozen=True):
    """`explained`: the share of the variance that each component holds, 0-1. `classes`: those of the points, in the
    data set's order, an empty name last. `images` is how many the points were drawn from, `step` the checkpoint's.
    """

    points: list[Point]
    explained: tuple[float, float]
    classes: list[str]
    images: int
    step: int


class ImportedEncoder(msgspec.Struct, frozen=True):
    """An encoder from elsewhere that is now a run's checkpoint. `words` say what of its file was loaded."""

    encoder: str
    dim: int
    channels: int
    words: str
