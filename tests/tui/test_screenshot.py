"""One frame as an SVG, without a terminal and without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from simclr_tui.config import Config
from simclr_tui.errors import SimclrError
from simclr_tui.tui.screenshot import snapshot
from tests.tui.runs_fabric import fabricate


def test_a_frame_is_written_with_the_keys_pressed(tmp_path):
    fabricate(tmp_path / "runs", steps=60)
    snapshot(tmp_path / "runs", tmp_path / "a.svg", (100, 30), screen="main", keys=["4"])
    text = (tmp_path / "a.svg").read_text().replace("&#160;", " ")
    assert text.startswith("<svg")
    assert "crop_min" in text


def test_a_frame_has_the_chosen_theme_and_says_that_it_is_read_only(tmp_path):
    fabricate(tmp_path / "runs", steps=60)
    for theme, ground in (("textual-light", "#e0e0e0"), ("textual-dark", "#121212")):
        config = Config(theme=theme)
        snapshot(tmp_path / "runs", tmp_path / "a.svg", (100, 30), config=config, readonly=True)
        text = (tmp_path / "a.svg").read_text().replace("&#160;", " ")
        assert ground in text
        assert "read-only" in text


def test_an_unknown_screen_is_named(tmp_path):
    with pytest.raises(SimclrError, match="no screen 'mian'"):
        snapshot(tmp_path, tmp_path / "a.svg", (80, 24), screen="mian")


def test_the_dashboard_never_imports_torch(tmp_path):
    code = (
        "import sys; from pathlib import Path; from simclr_tui.tui.screenshot import snapshot;"
        f"snapshot(Path({str(tmp_path)!r}), Path({str(tmp_path / 'a.svg')!r}), (80, 24), screen='new');"
        "assert not {'torch', 'torchvision', 'sqlite_utils'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
