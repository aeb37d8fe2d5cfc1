"""Hold images out for testing by a hash of their names, so that what is held out does not depend on the others."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

SHARE = 0.1
"""The part of the images that is held out where a data set has no test split."""


def held_out(names: Sequence[str], labels: Sequence[int], groups: Sequence[str] = ()) -> list[bool]:
    """Return which images are held out: those whose name, or group, hashes into the lowest tenth.

    One image added or removed changes no other image's side, but for a class that has none held out: of two or more
    images (groups) it gives the one with the lowest hash. A group (patient, slide, video) is whole on one side.
    """
    keys = [group or name for name, group in zip(names, groups, strict=True)] if groups else list(names)
    places = {key: _place(key) for key in set(keys)}
    chosen = {key for key, place in places.items() if place < SHARE}
    for label, members in _by_label(keys, labels).items():
        if label >= 0 and len(members) > 1 and not members & chosen:
            chosen.add(min(members, key=lambda key: (places[key], key)))
    for label, members in _by_label(keys, labels).items():
        if label >= 0 and len(members) > 1 and members <= chosen:
            chosen.discard(max(members, key=lambda key: (places[key], key)))
    return [key in chosen for key in keys]


def _place(key: str) -> float:
    """Return where a name falls between 0 and 1."""
    digest = hashlib.blake2b(os.fsencode(key), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _by_label(keys: Sequence[str], labels: Sequence[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for key, label in zip(keys, labels, strict=True):
        found.setdefault(label, set()).add(key)
    return found
