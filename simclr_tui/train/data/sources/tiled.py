"""Cut the images of a source into square tiles."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace

import numpy as np

from simclr_tui.errors import DataError
from simclr_tui.recipe.hold_out import hold_out_keys
from simclr_tui.recipe.image_headers import Header
from simclr_tui.recipe.image_walk import LeftOut
from simclr_tui.recipe.layout import Layout, Listing
from simclr_tui.recipe.reading import Reading
from simclr_tui.train.data.each import for_each
from simclr_tui.train.data.readers.protocol import Values
from simclr_tui.train.data.readers.read import lies_on_its_side
from simclr_tui.train.data.scaling import over_white
from simclr_tui.train.data.sources.protocol import Source, survey, values_of

_KEPT = 4  # whole images in memory, the tiles of which are asked for one after the other


class TiledSource:
    """Give tiles of `side` px, `stride` apart, named `IMAGE@ROW,COLUMN`. All tiles of an image are held out
    together."""

    def __init__(self, inner: Source, side: int, stride: int) -> None:
        self._inner, self._side, self._stride = inner, side, stride
        self._kept: OrderedDict[str, Values] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def spec(self) -> str:
        return f"tile:{self._side}:{self._stride}:{self._inner.spec}"

    def stamp(self, name: str) -> str:
        return self._inner.stamp(name.rpartition("@")[0])

    def image(self, name: str) -> Values:
        whole, _, place = name.rpartition("@")
        row, column = map(int, place.split(","))
        values = self._whole(whole)
        return values[row : row + self._side, column : column + self._side]

    def layout(self, reading: Reading) -> Layout:
        layout, left_out = self._inner.layout(reading), LeftOut()
        train, test, validation = (
            self._tiles(listing, left_out) for listing in (layout.train, layout.test, layout.validation)
        )
        if not train:
            raise DataError(f"no image is as large as a tile of {self._side} px", "give a smaller --tile")
        notes = (*layout.notes, f"{len(train):,} tiles of {self._side} px, every {self._stride}")
        left = (*layout.left_out, *left_out.sentences)
        return replace(layout, train=train, test=test, validation=validation, notes=notes, left_out=left)

    def _tiles(self, listing: Listing, left_out: LeftOut) -> Listing:
        headers = for_each("", listing.names, lambda _, name: self._upright(name), progress=lambda *_: None)
        names, labels, groups = list[str](), list[int](), list[str]()
        held = hold_out_keys(listing.names, listing.groups)
        for name, label, group, header in zip(listing.names, listing.labels, held, headers, strict=True):
            places = self._places(header)
            if not places:
                left_out.add(f"images smaller than a tile of {self._side} px", name)
            elif header is not None and any(
                (size - self._side) % self._stride for size in (header.height, header.width)
            ):
                left_out.add("margins beyond the last whole tile", name)
            for row, column in places:
                names.append(f"{name}@{row},{column}")
                labels.append(label)
                groups.append(group)
        return Listing(tuple(names), tuple(labels), tuple(groups))

    def _upright(self, name: str) -> Header:
        """Return the header of an image as it is decoded, height and width exchanged where it lies on its side."""
        header, found = survey(self._inner, name), self._inner.image(name)
        if isinstance(found, np.ndarray) or not lies_on_its_side(found, header):
            return header
        return replace(header, width=header.height, height=header.width)

    def _places(self, header: Header | None) -> list[tuple[int, int]]:
        if header is None:
            return [(0, 0)]  # damaged, which decoding says
        rows, columns = (range(0, size - self._side + 1, self._stride) for size in (header.height, header.width))
        return [(row, column) for row in rows for column in columns]

    def _whole(self, name: str) -> Values:
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        values, header = values_of(self._inner, name, 1 << 30)
        if header.alpha:
            values = over_white(values)
        with self._lock:
            self._kept[name] = values
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return values
