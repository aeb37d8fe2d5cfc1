"""Images that stay files: decoded whenever they are asked for, each time to the same pixels."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simclr_tui.errors import DataError
from simclr_tui.text import safe
from simclr_tui.train.data.decode_pool import Decoders
from simclr_tui.train.data.pixels import Pixels

DAMAGED_LIMIT = 0.001  # share of the images


class Spoilt:
    """The damaged images among `total`: found by any thread, told by one. Raises DataError when there are too many."""

    def __init__(self, total: int, known: Sequence[str] = ()) -> None:
        self._total, self._lock = total, threading.Lock()
        self._known, self._untold = set(known), list[str]()
        self._refuse_many()

    def note(self, name: str) -> None:
        with self._lock:
            if name not in self._known:
                self._known.add(name)
                self._untold.append(name)
        self._refuse_many()

    def untold(self) -> list[str]:
        """Those found since the last call."""
        with self._lock:
            names, self._untold = self._untold, []
        return names

    def _refuse_many(self) -> None:
        if len(self._known) > DAMAGED_LIMIT * self._total:
            raise too_many(sorted(self._known), self._total)


def too_many(damaged: Sequence[str], total: int, hint: str = "") -> DataError:
    """What is said of a data set that has so many damaged images."""
    first = ", ".join(safe(name) for name in damaged[:3]) + (", …" if len(damaged) > 3 else "")
    return DataError(f"{len(damaged):,} of {total:,} images are damaged ({first})", f"delete or replace them{hint}")


@dataclass(eq=False)
class FileImages:
    """Files below `decoders.root` as one array (N, 3, S, S), uint8; indexing decodes.

    In the place of a damaged image stands the nearest good one before it, else after it, as where all are decoded
    beforehand.
    """

    names: tuple[str, ...]
    decoders: Decoders
    spoilt: Spoilt
    places: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    _stand_in: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, names: tuple[str, ...], decoders: Decoders, spoilt: Spoilt) -> FileImages:
        return cls(names, decoders, spoilt, np.arange(len(names)))

    def take(self, index: NDArray[np.int64]) -> FileImages:
        """Those alone; what stands in for a damaged one is still its neighbour among all."""
        return FileImages(self.names, self.decoders, self.spoilt, self.places[index], self._stand_in)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (len(self), 3, self.decoders.side, self.decoders.side)

    @property
    def nbytes(self) -> int:
        """Of the pixels, were they in memory."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __getitem__(self, index: Any) -> Pixels:
        """Pixels (…, 3, S, S) of one image, a slice or an array of them. Raises DataError, see `Spoilt`."""
        places = self.places[index]
        out = np.empty((np.size(places), *self.shape[1:]), np.uint8)
        self._decode(np.atleast_1d(places), out)
        return out.reshape(*np.shape(places), *self.shape[1:])

    def into(self, index: NDArray[np.int64], out: Pixels) -> None:
        """As `self[index]`, into memory that there is."""
        self._decode(self.places[index], out)

    def _decode(self, places: NDArray[np.int64], out: Pixels) -> None:
        sources = [self._stand_in.get(place, place) for place in places.tolist()]
        for at in self.decoders.decode([self.names[source] for source in sources], out):
            out[at] = self._neighbour(sources[at])

    def _neighbour(self, damaged: int) -> Pixels:
        self.spoilt.note(self.names[damaged])
        out = np.empty((1, *self.shape[1:]), np.uint8)
        for place in self._nearest(damaged):
            if not self.decoders.decode([self.names[place]], out):
                self._stand_in[damaged] = place
                break
            self.spoilt.note(self.names[place])
        pixels: Pixels = out[0]
        return pixels

    def _nearest(self, place: int) -> Iterator[int]:
        return chain(range(place - 1, -1, -1), range(place + 1, len(self.names)))
