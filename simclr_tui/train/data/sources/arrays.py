"""Read images that are slices of arrays: .npy, .npz, HDF5, and what a function returns."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simclr_tui.errors import DataError
from simclr_tui.recipe.array_shapes import channels_last
from simclr_tui.recipe.data_sources import DataSource
from simclr_tui.recipe.file_content import refuse_other
from simclr_tui.recipe.image_walk import LeftOut
from simclr_tui.recipe.layout import Layout, Listing, check_groups, validated_note
from simclr_tui.recipe.reading import Reading
from simclr_tui.recipe.refusals import joined
from simclr_tui.text import reason, safe
from simclr_tui.train.data.readers.protocol import Values
from simclr_tui.train.data.sources.contents import image_digest
from simclr_tui.train.data.sources.files import file_stamp
from simclr_tui.train.data.sources.labels import any_known, describe_classes, no_folders, to_classes, to_groups

IMAGES = {
    "train": ("images", "train_images", "x_train", "X_train", "x", "X", "data", "arr_0"),
    "test": ("test_images", "x_test", "X_test"),
    "validation": ("val_images", "x_val", "X_val", "valid_images", "x_valid", "X_valid", "validation_images"),
}
LABELS = {
    "train": ("labels", "train_labels", "y_train", "Y_train", "y", "label", "targets", "arr_1"),
    "test": ("test_labels", "y_test", "Y_test"),
    "validation": ("val_labels", "y_val", "Y_val", "valid_labels", "y_valid", "Y_valid", "validation_labels"),
}
"""Names of the arrays, the first of which is the one that the documentation speaks of."""
_FEWEST_COLUMNS = 4  # an array (N, H, W) that has no more is rather one image (H, W, C)


@dataclass(frozen=True)
class Part:
    """Hold the images of one split: anything that gives one when it is indexed, and labels (None: unlabelled)."""

    images: Any
    labels: Any = None
    groups: Sequence[str] = ()

    @property
    def channels_last(self) -> bool:
        return len(self.images.shape) == 3 or channels_last(tuple(self.images.shape[1:]))


class ArraySource:
    """Give images of arrays (N, H, W), (N, H, W, C) or (N, C, H, W). An image's name is its split and number.

    Arrays that were `computed` may be others next time, though no file has changed: each image's values are its stamp.
    """

    def __init__(
        self, source: DataSource, parts: Mapping[str, Part], unused: Iterable[str] = (), *, computed: bool = False
    ) -> None:
        self._source, self._parts, self._unused = source, dict(parts), tuple(unused)
        self._stamp = "" if computed else file_stamp(source.path)
        errors = [error for split, part in self._parts.items() if (error := self._trouble(split, part))]
        if errors:
            raise joined(errors, f"{safe(source.text)} is refused")

    @property
    def spec(self) -> str:
        return self._source.absolute().text

    def stamp(self, name: str) -> str:
        return self._stamp or image_digest(self.image(name))

    def image(self, name: str) -> Values:
        split, _, number = name.partition("/")
        part = self._parts[split]
        image = np.asarray(part.images[int(number)])
        if image.ndim == 2:
            return image[..., None]
        return image if part.channels_last else np.moveaxis(image, 0, -1)

    def layout(self, reading: Reading) -> Layout:
        shown = safe(self._source.text)
        no_folders(self._source.text, reading)
        parts = {split: part for split, part in self._parts.items() if split != "validation" or reading.validation}
        given = [] if reading.labels == "none" else [p.labels for p in parts.values() if p.labels is not None]
        together = [label for labels in given for label in labels]
        classes, index = to_classes(self._source.text, together)
        listings, at = {}, 0
        for split, part in parts.items():
            count, names = len(part.images), tuple(f"{split}/{i:07}" for i in range(len(part.images)))
            labels = (-1,) * count
            if given and part.labels is not None:
                labels, at = index[at : at + count], at + count
            listings[split] = Listing(names, labels, to_groups(part.groups))
        left_out = LeftOut()
        for name in self._unused:
            left_out.add("arrays that are not used", name)
        for split in listings.keys() - {"train"}:
            listing = listings[split]
            if not classes or set(listing.labels) <= {-1}:
                why = "which have no labels" if classes else "because nothing is labelled"
                left_out.add(f"{split} images, {why}", listing.names[0], len(listing))
                del listings[split]
        train, test, validation = (listings.get(split, Listing()) for split in IMAGES)
        check_groups(self._source.text, train, test, validation=validation)
        notes = [describe_classes(classes, together)]
        if classes:
            notes.append("tested on its own test split" if test else "no test split: a tenth is held out, by a hash")
        if not train:
            raise DataError(f"{shown} holds no images", "give an array with at least one image")
        called = "its own validation split" if validation else ""
        notes.extend([validated_note(called)] if called else [])
        return Layout(
            self._source.path.parent, classes, train, test, tuple(notes), left_out.sentences,
            validation=validation, validated_on=called,
        )  # fmt: skip

    def _trouble(self, split: str, part: Part) -> DataError | None:
        """Return what is wrong with the arrays of a split, None where nothing is."""
        shape, shown = tuple(getattr(part.images, "shape", ())), safe(self._source.text)
        if shape[:1] == (0,):
            return DataError(f"{shown} has no {split} images", "give an array with at least one image")
        if len(shape) not in (3, 4):
            return DataError(
                f"{shown}: the {split} images have shape {shape}", "give (N, H, W), (N, H, W, C) or (N, C, H, W)"
            )
        if len(shape) == 3 and shape[2] <= _FEWEST_COLUMNS < shape[1]:
            return DataError(
                f"{shown}: the {split} images have shape {shape}: one image of {shape[2]} channels, or {shape[0]:,} of"
                f" {shape[1]} × {shape[2]} pixels", "give (N, H, W), (N, H, W, C) or (N, C, H, W)"
            )  # fmt: skip
        if part.images.dtype.kind not in "uifb":
            return DataError(f"{shown}: the {split} images are of type {part.images.dtype}", "give numbers")
        if part.labels is not None and len(part.labels) != shape[0]:
            return DataError(
                f"{shown}: {shape[0]:,} {split} images and {len(part.labels):,} labels", "give one label for each"
            )
        return None


def open_npy(source: DataSource) -> ArraySource:
    """Open an array; labels are those of `NAME_labels.npy` beside it, if there is one."""
    images = _loaded(source.path)
    beside = source.path.with_name(f"{source.path.stem}_labels.npy")
    return ArraySource(source, {"train": Part(images, _loaded(beside) if beside.exists() else None)})


def _loaded(file: Path) -> Any:
    refuse_other(file, "a NumPy array")
    try:
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        if _MAPPED_OBJECTS in str(error):
            raise _no_numbers(file) from None
        why = "it does not begin as one" if "pickle" in str(error) else reason(error)  # NumPy advises to trust it
        raise DataError(f"{safe(str(file))} is no array that can be read: {why}", "save it with numpy.save") from None


_OBJECTS, _MAPPED_OBJECTS = "Object arrays", "Python objects in dtype"  # in what NumPy says of them


def _no_numbers(file: Path, name: str = "") -> DataError:
    what = f"the array {safe(name)} of {safe(str(file))}" if name else safe(str(file))
    return DataError(f"{what} holds Python objects", "save it as numbers, or names by numpy.asarray(labels, str)")


def open_npz(source: DataSource) -> ArraySource:
    """Open the arrays of a .npz file by their names, see IMAGES and LABELS."""
    name = ""
    refuse_other(source.path, "a ZIP archive of arrays")
    try:
        with np.load(source.path, allow_pickle=False) as found:
            wanted = {n for table in (IMAGES, LABELS) for names in table.values() for n in names}
            names, arrays = list(found.files), {}
            for name in names:
                if name in wanted:
                    arrays[name] = found[name]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError) as error:
        if _OBJECTS in str(error):
            raise _no_numbers(source.path, name) from None
        why = "it does not begin as one" if "pickle" in str(error) else reason(error)  # NumPy advises to trust it
        raise DataError(
            f"{safe(source.where)} is no .npz file that can be read: {why}", "save it with numpy.savez"
        ) from None
    return _named(source, arrays, names)


def _named(
    source: DataSource, arrays: Mapping[str, Any], names: Sequence[str], *, computed: bool = False
) -> ArraySource:
    """Return the images and labels among arrays by their names; `names` are those of all, as the file has them.

    Validation images are those to test on where no test image has a label. Raises DataError where no name is that of
    training images.
    """
    chosen = {split: _images_and_labels(split, arrays) for split in IMAGES}
    test, validation = chosen["test"], chosen["validation"]
    is_tested, is_validated = (bool(labels) and any_known(arrays[labels][:]) for _, labels in (test, validation))
    if not is_tested and (is_validated or not test[0]):
        chosen["test"], is_validated = validation, False
    chosen["validation"] = validation if is_validated else ("", "")
    if not chosen["train"][0]:
        raise DataError(
            f"{safe(source.where)} has no images: it holds {', '.join(map(safe, names)) or 'nothing'}",
            "call them images and labels, or x_train, y_train, x_test, y_test",
        )
    parts = {
        split: Part(arrays[images], arrays[labels][:] if labels else None)
        for split, (images, labels) in chosen.items()
        if images
    }
    used = {name for pair in chosen.values() for name in pair}
    return ArraySource(source, parts, [name for name in names if _flat(name) not in used], computed=computed)


def _images_and_labels(split: str, arrays: Mapping[str, Any]) -> tuple[str, str]:
    """Return the names of a split's images and of their labels, "" where there are none."""
    known = [name for name in LABELS[split] if name in arrays]
    images = next((name for name in IMAGES[split] if name in arrays), "")
    return images, known[0] if images and known else ""


def _flat(name: str) -> str:
    """Return the name of an array without its groups: train/images is train_images."""
    return name.replace("/", "_")


def open_h5(source: DataSource) -> ArraySource:
    """Open an array of an HDF5 file: that of the key, or the only one of three or more axes."""
    import h5py

    try:
        file = h5py.File(source.path, "r")
    except OSError as error:
        refuse_other(source.path, "an HDF5 file")
        raise DataError(
            f"{safe(source.where)} is no HDF5 file that can be read: {reason(error)}", "check the file"
        ) from None
    arrays: dict[str, Any] = {}
    file.visititems(lambda name, item: arrays.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    stacks = [name for name, item in arrays.items() if len(item.shape) >= 3]
    if not source.key:
        flat = {_flat(name): item for name, item in arrays.items()}
        if any(name in flat for name in IMAGES["train"]):
            return _named(source, flat, list(arrays))
        if len(stacks) != 1:
            listed = ", ".join(map(safe, stacks)) or "none"
            raise DataError(f"{safe(source.where)} has {len(stacks)} arrays of images ({listed})", "give h5:FILE:KEY")
    key = (source.key or stacks[0]).strip("/")
    if key not in arrays:
        listed = ", ".join(map(safe, stacks)) or "none"
        raise DataError(f"{safe(source.where)} has no array {safe(key)!r}", f"those of images are {listed}")
    folder = f"{key.rpartition('/')[0]}/" if "/" in key else ""
    beside = [f"{key}_labels", *(folder + name for name in LABELS["train"])]
    labels = next((name for name in beside if name in arrays and name != key), "")
    unused = () if labels else [name for name in arrays if name != key]
    return ArraySource(source, {"train": Part(arrays[key], arrays[labels][:] if labels else None)}, unused)


def open_function(source: DataSource) -> ArraySource:
    """Call a function of a file: it returns images, (images, labels), or a dict of such arrays by name.

    The file is imported alone: neither its folder nor the current one is on the path while it runs.
    """
    function = _function(source)
    try:
        with _without_current_folder():
            returned = function()
    except (Exception, SystemExit) as error:
        raise DataError(
            f"{safe(source.text)} failed: {type(error).__name__}: {safe(str(error))}", "run it by itself to see where"
        ) from error
    if isinstance(returned, Mapping):
        arrays = {str(name): _array(source, value, str(name)) for name, value in returned.items()}
        return _named(source, arrays, list(arrays), computed=True)
    images, labels = returned if isinstance(returned, tuple) and len(returned) == 2 else (returned, None)
    labels = None if labels is None else _array(source, labels, "labels")
    return ArraySource(source, {"train": Part(_array(source, images, "images"), labels)}, computed=True)


def _array(source: DataSource, value: Any, name: str) -> Any:
    """Return what a function gave as an array. Raises DataError where it is none, or of parts that differ in shape."""
    try:
        found = np.asarray(value)
    except ValueError:
        raise DataError(
            f"{safe(source.text)} returned {safe(name)} that differ in shape", "return arrays that are equal in shape"
        ) from None
    if found.dtype == object and not found.ndim:
        raise DataError(
            f"{safe(source.text)} returned {type(value).__name__} for {safe(name)}",
            "return images, (images, labels), or a dict of arrays",
        )
    return found


def _function(source: DataSource) -> Callable[[], Any]:
    name = f"_simclr_data_{hashlib.blake2b(os.fsencode(source.path.absolute()), digest_size=8).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, source.path)
    if spec is None or spec.loader is None:
        raise DataError(f"{safe(source.where)} is no Python file", f"give --data {source.kind.form}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses, pickle and typing look for the module of a class
    try:
        with _without_current_folder():
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise DataError(
            f"{safe(source.where)} cannot be imported: {type(error).__name__}: {safe(str(error))}", "run it by itself"
        ) from error
    function = getattr(module, source.key, None)
    if not callable(function):
        raise DataError(f"{safe(source.where)} has no function {safe(source.key)}", f"give --data {source.kind.form}")
    return function  # type: ignore[no-any-return]


@contextlib.contextmanager
def _without_current_folder() -> Iterator[None]:
    """Keep the current folder off the path, however it is written there."""
    path, here = list(sys.path), os.path.realpath(os.curdir)
    sys.path[:] = [entry for entry in path if os.path.realpath(entry) != here]
    try:
        yield
    finally:
        sys.path[:] = path
