"""On a light theme the colours of runs are darker, on screen and in a snapshot; on a dark one they are as they are."""

from __future__ import annotations

import re

import pytest
import textual.color
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.app import App

from simclr_tui.config import Config
from simclr_tui.display.colours import contrast, on_light, run_colour
from simclr_tui.tui.light_ground import DarkenRunColours
from simclr_tui.tui.screenshot import snapshot
from tests.tui.runs_fabric import fabricate


@pytest.mark.parametrize("theme", ["textual-light", "textual-dark"])
def test_a_curve_is_drawn_in_the_variant_of_its_colour_for_the_theme(tmp_path, theme):
    fabricate(tmp_path / "runs", "run3", steps=60)
    snapshot(tmp_path / "runs", tmp_path / "a.svg", (120, 36), config=Config(theme=theme))
    picture, usual = (tmp_path / "a.svg").read_text(), run_colour("run3")
    wanted, other = (on_light()[usual], usual) if theme == "textual-light" else (usual, on_light()[usual])
    assert wanted in picture
    assert other not in picture


def test_warnings_and_states_can_be_read_on_the_header_of_a_light_theme():
    theme = App().ansi_theme_light
    darken = DarkenRunColours(theme)
    for number in (1, 2, 3, 4, 5, 6, 11):
        usual = Style(color=Color.from_triplet(theme.ansi_colors[number]), bold=True)
        (segment,) = darken.apply([Segment("queue paused (Q)", usual)], textual.color.Color.parse("#d0d0d0"))
        assert contrast(segment.style.color.get_truecolor().hex, "#d0d0d0") >= 4.5
        assert segment.style.bold


@pytest.mark.parametrize(("theme", "ground"), [("textual-light", "#e0e0e0"), ("textual-dark", "#121212")])
def test_the_line_of_keys_can_be_read(tmp_path, theme, ground):
    fabricate(tmp_path / "runs", "run3", steps=20)
    snapshot(tmp_path / "runs", tmp_path / "a.svg", (120, 36), config=Config(theme=theme))
    text = (tmp_path / "a.svg").read_text().replace("&#160;", " ")
    styles = dict(re.findall(r"\.(terminal-\d+-r\d+) { fill: (#[0-9a-f]{6})", text))
    for words in ("clone", "space"):  # a label and a key
        (style,) = re.findall(rf'class="(terminal-\d+-r\d+)"[^>]*> ?{words}', text)
        assert contrast(styles[style], ground) >= 4.5, words
