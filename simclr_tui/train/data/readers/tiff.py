"""Read TIFF of any type of value, number of bands and pages, by tifffile."""

from __future__ import annotations

from typing import Any

import numpy as np

from simclr_tui.errors import DataError
from simclr_tui.interpreter import extra_command
from simclr_tui.recipe.image_headers import BESIDE_ANOTHER, Header, tiff_colours
from simclr_tui.train.data.readers.protocol import File, Values, opened
from simclr_tui.train.data.readers.tiff_colours import in_colours

MOST_PAGES = 64
"""Pages of one shape that are taken for channels; more than these are a volume or a film."""


def header(file: File) -> Header:
    """Return what the file's own library says that it holds. Raises DataError where that is not real numbers."""
    import tifffile

    with opened(file) as stream, tifffile.TiffFile(stream) as tif:
        pages = _pages(tif)
        page = pages[0]
        if page.dtype is None or page.dtype.kind not in "uifb":
            held = page.dtype or f"{page.bitspersample} bits a value"
            raise DataError(f"a TIFF of {held}, not of real numbers", "save it as whole numbers or floats")
        channels = page.samplesperpixel * len(pages)
        return Header(
            "TIFF", page.imagewidth, page.imagelength, channels, str(page.dtype), page.bitspersample,
            pages=len(pages), plain=False, colours=tiff_colours(int(page.photometric), len(pages)),
        )  # fmt: skip


def values(file: File, header: Header, at_least: int) -> Values:
    """Return the image, (H, W, C): bands are channels, and so are the pages of one shape.

    Raises DataError where the pages differ in shape, or are too many to be channels.
    """
    import tifffile

    with opened(file) as stream, tifffile.TiffFile(stream) as tif:
        pages = _pages(tif)
        if len({(page.shape, page.dtype) for page in pages}) > 1:
            raise DataError(
                f"a TIFF of {len(pages)} pages that differ in size or type", "split it into one file per image"
            )
        parts = [in_colours(_bands_last(page), page, header.dtype) for page in pages]
        turned = int(pages[0].tags.valueof(_ORIENTATION, default=1) or 1)
    return _upright(parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1), turned)


_ORIENTATION = 274  # the tag, whose values are those of EXIF


def lies_on_its_side(file: File) -> bool:
    """Return whether the file's orientation turns the image by a quarter."""
    import tifffile

    with opened(file) as stream, tifffile.TiffFile(stream) as tif:
        return int(tif.pages[0].tags.valueof(_ORIENTATION, default=1) or 1) in (5, 6, 7, 8)


def _upright(image: Values, orientation: int) -> Values:
    """Return an image (H, W, C) turned and mirrored as its orientation, 1 to 8, asks for."""
    if orientation in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def _pages(tif: Any) -> list[Any]:
    """Return the pages that are no thumbnails or masks of others. Raises DataError where they are too many."""
    count = len(tif.pages)  # which ends where a page names an earlier one as the next; iterating alone would not
    every = (tif.pages[number] for number in range(count))
    pages = [page for number, page in enumerate(every) if not (number and page.subfiletype & BESIDE_ANOTHER)]
    if len(pages) > MOST_PAGES:
        raise DataError(f"a TIFF of {len(pages)} pages", "split it into one file per image, or per channel set")
    return pages


def _bands_last(page: Any) -> Values:
    try:
        array: Values = page.asarray()
    except (ValueError, NotImplementedError, ImportError) as error:
        if not isinstance(error, ImportError) and "imagecodecs" not in str(error):
            raise
        packed = getattr(page.compression, "name", page.compression)
        held = f"compressed by {packed}" if packed != "NONE" else f"of {page.bitspersample} bits a value"
        raise DataError(f"a TIFF {held} cannot be read without imagecodecs", extra_command("tiff")) from None
    if array.ndim == 2:
        return array[..., None]
    if array.ndim != 3:
        raise DataError(f"a TIFF page of {array.ndim} axes ({page.axes})", "split it into one file per image")
    return np.moveaxis(array, 0, -1) if page.axes[0] == "S" else array
