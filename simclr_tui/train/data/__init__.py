"""Images to train on: opened, decoded once, kept."""

from simclr_tui.train.data.images import Data, ImageSet
from simclr_tui.train.data.open import open_data

__all__ = ["Data", "ImageSet", "open_data"]
