"""Read image files of every kind to their true values, one module per kind."""

from simclr_tui.train.data.readers.read import read_image, require, survey_image

__all__ = ["read_image", "require", "survey_image"]
