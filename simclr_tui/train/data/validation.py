"""The validation images: labelled training images whose labels choose between runs and teach nobody anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simclr_tui.recipe.hold_out import withheld
from simclr_tui.train.data.images import Data, Images, ImageSet


@dataclass(frozen=True)
class Labelled:
    """Hold some images and the class of each, without a copy: the images at `places` (M,) of `images`, and `labels`
    (M,)."""

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


def votes_and_validation(data: Data) -> tuple[Labelled | None, Labelled | None]:
    """Return the labelled images that vote and those that choices are made by.

    The second are those of the data's own validation split, so that all training images vote; without one they are a
    tenth of the training images, see `bank_and_validation`.
    """
    own = labelled(data.validation)
    return bank_and_validation(data.train) if own is None else (labelled(data.train), own)


def bank_and_validation(train: ImageSet) -> tuple[Labelled | None, Labelled | None]:
    """Return the labelled training images in two parts: those that vote, and a tenth whose labels are withheld.

    Which they are depends on each image's group, else its name (its place, where images have no names), and never on a
    seed. A group is never divided: images of one patient resemble each other, and would vote for one another. All of
    them stay in the training set, which asks for no labels (§B.8 chooses on a held-out part too). The second part is
    None where nothing can be withheld.
    """
    known = labelled(train)
    if known is None:
        return None, None
    apart = _apart(train.names, train.groups, known.places, labels=known.labels)
    if not apart.any() or apart.all():
        return known, None
    parts = (Labelled(known.images, known.places[part], known.labels[part]) for part in (~apart, apart))
    return next(parts), next(parts)


def describe_groups(names: Sequence[str], labels: NDArray[np.int64] | None, groups: Sequence[str]) -> str:
    """Return a sentence on how the groups of the training images fall into those two parts; empty without any."""
    if labels is None or not any(groups):
        return ""
    known = np.flatnonzero(labels >= 0)
    if not len(known):
        return ""
    keys = [groups[place] for place in known.tolist()]
    apart = _apart(names, groups, known, labels=labels[known])
    withheld_groups = {key for key, out in zip(keys, apart, strict=True) if out and key}
    if not apart.any():
        return "no group can be withheld for validation and leave labelled images of every class"
    lacking = len(set(labels[known].tolist()) - set(labels[known][apart].tolist()))
    classes = "1 class has" if lacking == 1 else f"{lacking:,} classes have"
    without = f"; {classes} too few groups to withhold one" if lacking else ""
    return (
        f"validation: {len(withheld_groups):,} of {len(set(keys) - {''}):,} groups, {int(apart.sum()):,} of"
        f" {len(known):,} labelled training images; each group is whole on one side, by a hash of its name{without}"
    )


def _apart(
    names: Sequence[str], groups: Sequence[str], places: NDArray[np.int64], *, labels: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return for each of the images at `places` (M,), labelled with `labels` (M,), whether its label is withheld."""
    known = [names[place] if names else str(place) for place in places.tolist()]
    keys = [groups[place] for place in places.tolist()] if groups else []
    return np.array(withheld(known, labels.tolist(), keys, purpose="validation"), np.bool_)
