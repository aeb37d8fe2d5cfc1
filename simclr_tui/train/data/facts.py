"""Describe opened data: the facts that a run keeps, with the fingerprint by which it knows its data again."""

from __future__ import annotations

import hashlib
import os

import numpy as np

from simclr_tui.store.data_facts import DataFacts
from simclr_tui.train.data.images import Data


def describe(name: str, data: Data) -> DataFacts:
    """Return the facts of `data`, opened as `name`."""
    scaling = data.scaling
    return DataFacts(
        fingerprint=fingerprint(data),
        data=name,
        images=len(data.train),
        test_images=len(data.test) if data.test else 0,
        channels=data.channels,
        channel_names=list(data.channel_names),
        levels=data.levels,
        side=int(data.train.images.shape[-1]),
        low=list(scaling.low) if scaling and not scaling.plain else [],
        high=list(scaling.high) if scaling and not scaling.plain else [],
        range_reason=data.range_reason,
        classes=_counts(data),
        layout=list(data.layout),
        left_out=list(data.left_out),
        notes=list(data.notes),
        warnings=list(data.warnings),
    )


def fingerprint(data: Data) -> str:
    """Return a digest of the images' names, sizes in bytes, classes and order, and of nothing else.

    A known data set has no names: its number of images and its labels tell.
    """
    digest = hashlib.blake2b(digest_size=16)
    for split in (data.train, data.test):
        if split is None:
            continue
        digest.update(f"{len(split)}\0".encode())
        for name, size in zip(split.names, split.sizes or ("",) * len(split.names), strict=True):
            digest.update(os.fsencode(name) + b"\0" + str(size).encode() + b"\0")
        if split.labels is not None:
            digest.update(split.labels.astype("<i8").tobytes())
    digest.update("\0".join(data.classes).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _counts(data: Data) -> dict[str, int]:
    if data.train.labels is None:
        return {}
    known = data.train.labels[data.train.labels >= 0]
    counts = np.bincount(known, minlength=len(data.classes))
    return {name: int(counts[label]) for label, name in enumerate(data.classes)}
