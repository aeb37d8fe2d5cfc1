"""Presets for kinds of images that are no photographs: what they leave out whatever the channels, and on whose word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simclr_tui.recipe import presets
from simclr_tui.recipe.for_channels import for_channels
from simclr_tui.recipe.resolve import resolve

PRESETS = ("microscopy", "xray", "satellite", "spectrogram")


@pytest.mark.parametrize("preset", PRESETS)
def test_images_saved_as_rgb_get_no_view_of_other_colours(preset):
    """An X-ray is often a JPEG of three channels, whose hue means nothing all the same."""
    fitted, words = for_channels(resolve(preset).recipe, 3, rgb=True)
    assert {"color", "gray"}.isdisjoint(fitted.operations)
    assert "intensity" in fitted.operations
    assert words == "", "the preset itself says so, and nothing changes"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_presets_file_names_the_source_of_its_choices(preset):
    lines = Path(presets.__file__).with_name("presets").joinpath(f"{preset}.toml").read_text("utf-8").splitlines()
    comments = " ".join(line for line in lines if line.startswith("#"))
    assert re.search(r"\w+ (et al\.|& \w+), [^)]*(\d{4}|arXiv)", comments)
