"""Arrays of images and of class labels, as every data set has them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""uint8, (…, 3, S, S), RGB."""
Labels = npt.NDArray[np.int64]
"""int64, (N,), class indices; -1 for an image without a label."""
