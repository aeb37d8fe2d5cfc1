"""Explanations fit a terminal, have a drawing, and name what they explain."""

from __future__ import annotations

import pytest

from simclr_tui.display.explanations import EXPLANATIONS, explain, wrapped
from simclr_tui.errors import NotFoundError


@pytest.mark.parametrize("topic", EXPLANATIONS)
def test_an_explanation_has_a_title_a_drawing_and_fits(topic):
    lines = wrapped(explain(topic.upper()), 80)
    assert topic in lines[0].lower()
    assert any(line.startswith(" ") for line in lines)
    assert max(map(len, lines)) <= 92
    assert len(lines) <= 20


def test_an_unknown_topic_names_the_nearest():
    with pytest.raises(NotFoundError, match="did you mean uniformity"):
        explain("uniform")
