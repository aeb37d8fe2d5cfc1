"""Every tab is seen with its key, however narrow the terminal, and a click finds the one that is drawn there."""

from __future__ import annotations

import pytest

from simclr_tui.tui.tabs.tab_bar import TABS, TabBar
from tests.tui.driving import dashboard, press, until
from tests.tui.runs_fabric import fabricate


@pytest.mark.parametrize(("size", "last"), [((120, 36), "6 Embedding"), ((60, 20), "6 Embed"), ((40, 20), "6 Embed")])
async def test_all_tabs_are_in_the_bar_at_any_width(tmp_path, size, last):
    fabricate(tmp_path / "runs", "run1", steps=20)
    async with dashboard(tmp_path / "runs", size) as (app, pilot):
        await press(app, pilot, "enter", "3")
        bar = app.screen.query_one(TabBar)
        assert bar.render().cell_len <= bar.size.width + 1, "nothing but a space is beyond the edge"
        for name in ("embedding", "curves"):
            start, stop = bar._places()[name]
            await pilot.click(TabBar, offset=((start + stop) // 2, 0))
            await until(pilot, lambda: app.main.tab == name)  # noqa: B023
            shown, (start, stop) = bar.render().plain, bar._places()[name]
            assert shown[start:stop].strip()[0] == str(list(TABS).index(name) + 1)
            assert last in shown if name == "embedding" else "1 Curves" in shown
