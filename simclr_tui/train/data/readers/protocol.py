"""Declare what a reader of one kind of image file is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias

from numpy.typing import NDArray

from simclr_tui.recipe.image_headers import Header

File: TypeAlias = Path | bytes
"""An image file on disk, or its content in memory."""
Values: TypeAlias = NDArray[Any]
"""(H, W, C), of the type and in the values that the file holds."""


class Reader(Protocol):
    """Read one kind of image file. Each is a module; the library that it needs is imported when it is first used.

    What a reader raises means a damaged file, but for DataError: that refuses a file which its library cannot read
    truthfully, and says what to do.
    """

    def header(self, file: File) -> Header:
        """Return what the file holds, from as little of it as tells."""

    def values(self, file: File, header: Header, at_least: int) -> Values:
        """Return the image, (H, W, C), in its true values. A shorter side of `at_least` px is all that is needed."""


def opened(file: File) -> IO[bytes]:
    """Return the file as a stream."""
    return io.BytesIO(file) if isinstance(file, bytes) else open(file, "rb")
