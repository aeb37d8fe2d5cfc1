"""Describe opened data: the facts that a run keeps, with the fingerprint by which it knows its data again."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simclr_tui.errors import DataError
from simclr_tui.store.comparable import DIGESTS
from simclr_tui.store.data_facts import DataFacts, read_data_facts
from simclr_tui.text import safe
from simclr_tui.train.data.each import Progress
from simclr_tui.train.data.images import Data
from simclr_tui.train.data.pixels import Labels
from simclr_tui.train.data.scaling import Scaling
from simclr_tui.train.data.sources.contents import Contents
from simclr_tui.train.data.validation import labelled, votes_and_validation


def describe(name: str, data: Data) -> DataFacts:
    """Return the facts of `data`, opened as `name`."""
    low, high = _range(data.scaling)
    return DataFacts(
        fingerprint=fingerprint(data),
        data=name,
        images=len(data.train),
        test_images=len(data.test) if data.test else 0,
        validation_images=len(data.validation) if data.validation else 0,
        channels=data.channels,
        channel_names=list(data.channel_names),
        levels=data.levels,
        side=int(data.train.images.shape[-1]),
        low=low,
        high=high,
        range_reason=data.range_reason,
        classes=_counts(data),
        layout=list(data.layout),
        left_out=list(data.left_out),
        notes=list(data.notes),
        warnings=list(data.warnings),
    )


def range_change(run: Path, name: str, scaling: Scaling | None) -> str:
    """Return a sentence where `--range auto` measured another range of these images than of those a run trained on.

    The same value then is another shade to the encoder. Empty where it did not, or where nothing is known of the run.
    """
    before = read_data_facts(run)
    if before is None:
        return ""
    spans = [_span(low, high) for low, high in (_range(scaling), (before.low, before.high))]
    if spans[0] == spans[1]:
        return ""
    return (
        f"the values of {safe(name)} are read from {spans[0]}, those that the encoder was trained on from {spans[1]}:"
        " a run trained with --range LO:HI reads both alike"
    )


def _range(scaling: Scaling | None) -> tuple[list[float], list[float]]:
    """Return the values of each channel that are stored as 0 and as the top level; empty where 8 bits stay as is."""
    return (list(scaling.low), list(scaling.high)) if scaling and not scaling.plain else ([], [])


def _span(low: list[float], high: list[float]) -> str:
    spans = list(dict.fromkeys(f"{bottom:g} to {top:g}" for bottom, top in zip(low, high, strict=True)))
    return f"{', '.join(spans[:4])}{', …' if len(spans) > 4 else ''}" if spans else "0 to 255, as 8 bits are"


def fingerprint(data: Data) -> str:
    """Return a digest of the images' names, sizes in bytes, classes and order, and of nothing else.

    A known data set has no names: its number of images and its labels tell.
    """
    digest = hashlib.blake2b(digest_size=16)
    for split in (data.train, data.test, data.validation):
        if split is None:
            continue
        digest.update(f"{len(split)}\0".encode())
        for name, size in zip(split.names, split.sizes or ("",) * len(split.names), strict=True):
            digest.update(os.fsencode(name) + b"\0" + str(size).encode() + b"\0")
        labels = split.labels if split.listed is None else split.listed
        if labels is not None:
            digest.update(labels.astype("<i8").tobytes())
    digest.update("\0".join(data.classes).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def with_digests(data: Data, contents: Contents | None, progress: Progress) -> Data:
    """Return the data with the digest of each kind of images that an accuracy is measured on (`Data.held_out`).

    It changes with the names, labels or content of these images, and with nothing else. A known data set has neither
    names nor contents: the images' places tell. Where an image's disk does not answer, a note says so in place of the
    digests, since what is decoded can be trained on without it.
    """
    own = labelled(data.validation)
    asked = {"validation": votes_and_validation(data)[1], "test": labelled(data.test)}
    sources = {"validation": data.train if own is None else data.validation, "test": data.test}
    found: dict[str, str] = {}
    try:
        for kind, images in asked.items():
            if images is not None and (source := sources[kind]) is not None:
                names = [source.names[place] if source.names else str(place) for place in images.places.tolist()]
                content = contents.digest(names, progress) if contents is not None else ""
                found[DIGESTS[kind]] = _digest(images.labels, names, content)
    except DataError as error:
        note = f"later runs on other held-out images will not be told from this one: {error.message}"
        return dataclasses.replace(data, notes=(*data.notes, note))
    return dataclasses.replace(data, held_out=found)


def _digest(labels: Labels, names: Sequence[str], content: str) -> str:
    digest = hashlib.blake2b(labels.astype("<i8").tobytes(), digest_size=8)
    digest.update(b"\0".join(map(os.fsencode, names)) + content.encode())
    return digest.hexdigest()


def _counts(data: Data) -> dict[str, int]:
    if data.train.labels is None:
        return {}
    known = data.train.labels[data.train.labels >= 0]
    counts = np.bincount(known, minlength=len(data.classes))
    return {name: int(counts[label]) for label, name in enumerate(data.classes)}
