"""A curve is averaged over a share of what is in view, so that it is smooth at forty steps and at forty thousand."""

from __future__ import annotations

import pytest

from simclr_tui.store.metrics.downsample import smooth
from simclr_tui.store.store import Store
from simclr_tui.tui.feed.curve_reader import average_weight
from tests.tui.driving import dashboard, press
from tests.tui.runs_fabric import fabricate


@pytest.mark.parametrize(
    ("count", "over"), [(0, 2), (2, 2), (7, 8), (8, 8), (11, 8), (12, 16), (780, 1024), (40_000, 32_768)]
)
def test_an_average_covers_about_as_many_values_as_are_asked_for(count, over):
    assert 1 / (1 - average_weight(count)) == over


async def test_zooming_in_averages_over_fewer_values_and_the_raw_line_stays(tmp_path):
    fabricate(tmp_path / "runs", steps=400)
    steps, losses = Store(tmp_path / "runs").run("run1").history().points("loss")
    async with dashboard(tmp_path / "runs") as (app, pilot):

        def at_the_end():
            line = app.main.curves._panels[0].series[0]
            return line.ys[-1], line.raw[-1], line.raw_xs[-1]

        await press(app, pilot, "w")
        wanted = smooth(losses, average_weight(0.02 * len(losses)))[-1]
        assert at_the_end() == (pytest.approx(wanted), losses[-1], steps[-1])
        await press(app, pilot, "plus", "plus")
        closer = smooth(losses, average_weight(0.02 * 100))[-1]
        assert closer != pytest.approx(wanted, abs=1e-6)
        assert at_the_end() == (pytest.approx(closer), losses[-1], steps[-1])
        await press(app, pilot, "w", "w", "w")
        assert not app.main.curves._panels[0].series[0].raw
