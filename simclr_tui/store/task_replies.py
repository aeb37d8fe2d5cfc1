"""The replies of one-shot processes of the training plane: one JSON document on standard output."""

from __future__ import annotations

import msgspec

from simclr_tui.store.picture import Picture


class Failure(msgspec.Struct, frozen=True):
    """Report the error that ended the process, whose exit code is the error's."""

    message: str
    hint: str = ""


class ViewsShown(msgspec.Struct, frozen=True):
    """Hold an image and two views of it, as the encoder would see them. `label` is its class, if known."""

    index: int
    label: str
    original: Picture
    views: tuple[Picture, Picture]


class Preview(msgspec.Struct, frozen=True):
    """Hold views of a few images. `file` is the path of the PNG written; empty if none was requested.

    `channels` says which channels are drawn if the images are not RGB.
    """

    images: list[ViewsShown]
    file: str = ""
    channels: str = ""


class Neighbor(msgspec.Struct, frozen=True):
    """Hold an image of the data set and the cosine similarity of its h to that of the query image."""

    index: int
    split: str
    label: str
    path: str
    similarity: float
    picture: Picture


class Neighbors(msgspec.Struct, frozen=True):
    """Hold the query and its neighbours, nearest first. `images` is how many were compared, `step` the checkpoint's.

    `channels` says which channels are drawn if the images are not RGB.
    """

    query: Picture
    label: str
    step: int
    images: int
    neighbors: list[Neighbor]
    channels: str = ""


class Written(msgspec.Struct, frozen=True):
    """List the files that were written, the requested one first, with a description of its content."""

    files: list[str]
    bytes: int
    content: str


class Point(msgspec.Struct, frozen=True):
    """Hold an image's h projected onto the two principal components. `label` is its class; empty if unlabelled."""

    x: float
    y: float
    label: str
    index: int
    split: str


class Projection(msgspec.Struct, frozen=True):
    """Hold the projected points. `explained` is the fraction of the variance along each component, 0–1.

    `classes` are those of the points, in the data set's order, with an empty name last. `images` is the number of
    images that the points were drawn from, `step` the checkpoint's.
    """

    points: list[Point]
    explained: tuple[float, float]
    classes: list[str]
    images: int
    step: int


class ImportedEncoder(msgspec.Struct, frozen=True):
    """Describe an imported encoder that is now a run's checkpoint. `words` say what was loaded from its file."""

    encoder: str
    dim: int
    channels: int
    words: str
