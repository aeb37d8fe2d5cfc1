"""Name the arrays of images and of class labels that every data set has."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
"""uint8 or uint16, (…, C, S, S)."""
Labels = npt.NDArray[np.int64]
"""int64, (N,), class indices; -1 for an image without a label."""
Shape: TypeAlias = tuple[int, int]
"""Height and width of an image before it was stored; what counts is their ratio."""
Shapes: TypeAlias = npt.NDArray[np.int32]
"""int32, (N, 2), such heights and widths."""


def levels_of(dtype: Any) -> int:
    """Return the stored value that means 1.0: 255 for uint8, 65535 for uint16 (a numpy or a torch dtype)."""
    name = str(dtype).removeprefix("torch.")
    return {"uint8": 255, "uint16": 65535}[name]
