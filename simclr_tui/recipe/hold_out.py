"""Hold images out for testing by a hash of their names, so that each choice is independent of the other images."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

SHARE = 0.1
"""Fraction of the images held out if a data set has no test split."""


def held_out(names: Sequence[str], labels: Sequence[int], groups: Sequence[str] = ()) -> list[bool]:
    """Return for each image whether it is held out: whether its name, or its group, hashes into the lowest tenth.

    Adding or removing an image does not move any other image, with one exception: a class of two or more images
    (groups) always has one on each side. If none was chosen, the one with the lowest hash is held out; if all were,
    the one with the highest hash is kept for training. A group (patient, slide, video) is never divided.
    """
    keys = hold_out_keys(names, groups)
    hashes = {key: _unit_hash(key) for key in set(keys)}
    chosen = {key for key, value in hashes.items() if value < SHARE}
    for label, members in _by_label(keys, labels).items():
        if label >= 0 and len(members) > 1 and not members & chosen:
            chosen.add(min(members, key=lambda key: (hashes[key], key)))
    for label, members in _by_label(keys, labels).items():
        if label >= 0 and len(members) > 1 and members <= chosen:
            chosen.discard(max(members, key=lambda key: (hashes[key], key)))
    return [key in chosen for key in keys]


def withheld(names: Sequence[str], labels: Sequence[int], groups: Sequence[str] = (), *, purpose: str) -> list[bool]:
    """Return for each labelled training image whether its label is withheld, to choose by: a tenth, as `held_out` does.

    Each `purpose` has a hash of its own: that of the names alone has already chosen the test images where there is no
    test split. A group is never divided, and one that is the only group of a class is not withheld, because nothing
    would be left to learn that class from.
    """
    keys = [f"{purpose}/{key}" for key in hold_out_keys(names, groups)]
    apart = held_out(keys, labels)
    if not groups:
        return apart
    learnt = {label for label, out in zip(labels, apart, strict=True) if not out}
    needed = {key for key, label in zip(keys, labels, strict=True) if label not in learnt}
    return [out and key not in needed for key, out in zip(keys, apart, strict=True)]


def hold_out_keys(names: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Return what decides each image's side: its group, or its name where it has none."""
    return [group or name for name, group in zip(names, groups, strict=True)] if groups else list(names)


def _unit_hash(key: str) -> float:
    """Return the hash of a name, as a fraction from 0 up to 1."""
    digest = hashlib.blake2b(os.fsencode(key), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _by_label(keys: Sequence[str], labels: Sequence[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for key, label in zip(keys, labels, strict=True):
        found.setdefault(label, set()).add(key)
    return found
