"""Tell by a digest on which images a run's accuracies are measured, so that runs on others are not compared with it."""

from __future__ import annotations

import hashlib
import os

from simclr_tui.store.comparable import DIGESTS
from simclr_tui.train.data.images import Data, ImageSet
from simclr_tui.train.data.validation import Labelled, labelled, votes_and_validation


def held_out_digests(data: Data) -> dict[str, str]:
    """Return the digest of each kind of images that an accuracy is measured on, by the fact that it is kept as.

    It changes with the names, sizes or labels of these images.
    """
    own = labelled(data.validation)
    asked = {"validation": votes_and_validation(data)[1], "test": labelled(data.test)}
    sources = {"validation": data.train if own is None else data.validation, "test": data.test}
    return {
        DIGESTS[kind]: _digest(images, source)
        for kind, images in asked.items()
        if images is not None and (source := sources[kind]) is not None
    }


def _digest(images: Labelled, source: ImageSet) -> str:
    digest = hashlib.blake2b(images.labels.astype("<i8").tobytes(), digest_size=8)
    for place in images.places.tolist():
        name, size = (values[place] if values else place for values in (source.names, source.sizes))
        digest.update(os.fsencode(str(name)) + b"\0" + str(size).encode() + b"\0")
    return digest.hexdigest()
