"""The validation images: labelled training images whose labels choose between runs and teach nobody anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simclr_tui.recipe.hold_out import held_out
from simclr_tui.train.data.images import Images, ImageSet


@dataclass(frozen=True)
class Labelled:
    """Some images and the class of each, without a copy: the images at `places` (M,) of `images`, and `labels` (M,)."""

    images: Images
    places: NDArray[np.int64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)


def labelled(images: ImageSet | None) -> Labelled | None:
    """Return the images that have a class; None when there is none."""
    if images is None or images.labels is None:
        return None
    places = np.flatnonzero(images.labels >= 0)
    return Labelled(images.images, places, images.labels[places]) if len(places) else None


def bank_and_validation(train: ImageSet) -> tuple[Labelled | None, Labelled | None]:
    """Return the labelled training images in two parts: those that vote, and a tenth whose labels are withheld.

    Which they are depends on each image's name alone (its place, where images have no names), and never on a seed. All
    of them stay in the training set, which asks for no labels (§B.8 chooses on a held-out part too).
    """
    known = labelled(train)
    if known is None:
        return None, None
    names = [train.names[place] if train.names else str(place) for place in known.places]
    # A hash of its own: the one of the names alone has already chosen the test images where there is no test split.
    apart = np.array(held_out([f"validation/{name}" for name in names], known.labels.tolist()), bool)
    if not apart.any() or apart.all():
        return known, None
    parts = (Labelled(known.images, known.places[part], known.labels[part]) for part in (~apart, apart))
    return next(parts), next(parts)
