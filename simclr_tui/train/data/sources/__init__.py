"""Sources of images, one module per form of `--data`."""

from simclr_tui.train.data.sources.open import open_source
from simclr_tui.train.data.sources.protocol import Source, pixels_of, survey, values_of

__all__ = ["Source", "open_source", "pixels_of", "survey", "values_of"]
