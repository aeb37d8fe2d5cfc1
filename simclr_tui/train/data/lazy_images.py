"""Decode images on demand, each time to the same pixels, where they do not fit into memory."""

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
from simclr_tui.train.data.pixels import Pixels, Shapes
from simclr_tui.train.data.whole_images import central_squares

DAMAGED_LIMIT = 0.001  # share of the images


class DamagedImages:
    """Collect the names of damaged images among `total`, from any thread. Raises DataError when there are too many."""

    def __init__(self, total: int, known: Sequence[str] = ()) -> None:
        self._total, self._lock = total, threading.Lock()
        self._known, self._new = set(known), list[str]()
        self._refuse_many()

    def add(self, name: str) -> None:
        with self._lock:
            if name not in self._known:
                self._known.add(name)
                self._new.append(name)
        self._refuse_many()

    def newly_found(self) -> list[str]:
        """Return the names found since the last call."""
        with self._lock:
            names, self._new = self._new, []
        return names

    def _refuse_many(self) -> None:
        if len(self._known) > DAMAGED_LIMIT * self._total:
            raise too_many(sorted(self._known), self._total)


def too_many(damaged: Sequence[str], total: int, hint: str = "") -> DataError:
    """Return the error that refuses a data set with so many damaged images."""
    first = ", ".join(safe(name) for name in damaged[:3]) + (", …" if len(damaged) > 3 else "")
    are = "is" if len(damaged) == 1 else "are"
    return DataError(f"{len(damaged):,} of {total:,} images {are} damaged ({first})", f"delete or replace them{hint}")


@dataclass(eq=False)
class FileImages:
    """Give images of `decoders.source` as one array (N, C, S, S), uint8 or uint16; indexing decodes their central
    squares.

    In the place of a damaged image stands the nearest good one before it, else after it, as where all are decoded
    beforehand.
    """

    names: tuple[str, ...]
    decoders: Decoders
    damages: DamagedImages
    places: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    _stand_in: dict[int, int] = field(default_factory=dict)
    _shapes: Shapes | None = None  # of all names, known once an image was decoded; None where all are square

    @classmethod
    def of(cls, names: tuple[str, ...], decoders: Decoders, damages: DamagedImages) -> FileImages:
        shapes = np.ones((len(names), 2), np.int32) if decoders.scaling.whole else None
        return cls(names, decoders, damages, np.arange(len(names)), _shapes=shapes)

    def take(self, index: NDArray[np.int64]) -> FileImages:
        """Return a selection; a damaged image in it is still replaced by its neighbour among all images."""
        return FileImages(
            self.names, self.decoders, self.damages, self.places[index], self._stand_in, _shapes=self._shapes
        )

    def __len__(self) -> int:
        return len(self.places)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Return (N, C, S, S)."""
        return (len(self), *self.decoders.scaling.shape)

    @property
    def nbytes(self) -> int:
        """Return the bytes that all pixels would take in memory."""
        return len(self) * self.decoders.scaling.bytes

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the type of a stored value."""
        return np.dtype(self.decoders.scaling.dtype)

    def __getitem__(self, index: Any) -> Pixels:
        """Return the central squares (…, C, S, S) of one image, a slice or an array of them.

        Raises DataError, see `DamagedImages`.
        """
        pixels, shapes = self.whole(index)
        return pixels if shapes is None else central_squares(pixels, shapes)

    def whole(self, index: Any) -> tuple[Pixels, Shapes | None]:
        """Return the images as they are stored, (…, C, S, S), and their shapes (…, 2), None where all are square."""
        places = self.places[index]
        out = np.empty((np.size(places), *self.shape[1:]), self.dtype)
        self._decode(np.atleast_1d(places), out)
        return out.reshape(*np.shape(places), *self.shape[1:]), self.shapes(index)

    def into(self, index: NDArray[np.int64], out: Pixels) -> None:
        """Decode the images as they are stored into `out`."""
        self._decode(self.places[index], out)

    def shapes(self, index: Any) -> Shapes | None:
        """Return the heights and widths (…, 2) of images that have been decoded, None where all are square."""
        return None if self._shapes is None else self._shapes[self.places[index]]

    def _decode(self, places: NDArray[np.int64], out: Pixels) -> None:
        sources = [self._stand_in.get(place, place) for place in places.tolist()]
        shapes = np.ones((len(sources), 2), np.int32)
        for at in self.decoders.decode([self.names[source] for source in sources], out, shapes):
            out[at], shapes[at] = self._neighbour(sources[at])
        if self._shapes is not None:
            self._shapes[places] = shapes

    def _neighbour(self, damaged: int) -> tuple[Pixels, Shapes]:
        self.damages.add(self.names[damaged])
        out, shapes = np.empty((1, *self.shape[1:]), self.dtype), np.ones((1, 2), np.int32)
        for place in self._nearest(damaged):
            if not self.decoders.decode([self.names[place]], out, shapes):
                self._stand_in[damaged] = place
                break
            self.damages.add(self.names[place])
        pixels: Pixels = out[0]
        return pixels, shapes[0]

    def _nearest(self, place: int) -> Iterator[int]:
        return chain(range(place - 1, -1, -1), range(place + 1, len(self.names)))
