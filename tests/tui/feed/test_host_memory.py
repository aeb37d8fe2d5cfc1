"""Without a GPU, the host's memory stands among the first curves, over their axis; with one, the GPU's does."""

from __future__ import annotations

import pytest

from simclr_tui.tui.feed.metric_view import HOST_MEMORY
from tests.tui.driving import dashboard, press, screen_text
from tests.tui.runs_fabric import CREATED, fabricate


@pytest.fixture
def store(tmp_path):
    """Two runs of 120 steps in 12 s, 30 samples each, one a second; without a GPU."""
    for number in (1, 2):
        fabricate(tmp_path / "runs", f"run{number}", created=CREATED + number, steps=120, gpu=False, temp=number / 10)
    return tmp_path / "runs"


def memory_of(app):
    return next(panel for panel in app.main.curves._panels if panel.key == HOST_MEMORY)


async def test_one_run_is_shown_within_the_memory_of_its_machine(store):
    async with dashboard(store) as (app, pilot):
        assert [panel.key for panel in app.main.curves._panels[:4]] == ["loss", "knn", HOST_MEMORY, "images_per_s"]
        panel = memory_of(app)
        assert [(line.label, round(line.last, 3)) for line in panel.series] == [("machine", 20.0), ("run", 4.0)]
        assert panel.references == ((pytest.approx(128.0), "total"),)
        assert (min(panel.series[0].xs), max(panel.series[0].xs)) == (0, 120), "the samples of 30 s end with the steps"
        assert "host memory GB  machine 20  run 4" in screen_text(app)
        await press(app, pilot, "a")
        assert max(memory_of(app).series[0].xs) == 6.0, "epochs"
        await press(app, pilot, "comma", "less_than_sign")
        assert [line.at for line in memory_of(app).series] == [pytest.approx(20.0), pytest.approx(4.0)]


async def test_several_runs_are_shown_by_their_own_memory(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "space", "j", "space")
        assert [(line.label, round(line.last, 3)) for line in memory_of(app).series] == [("run2", 4.0), ("run1", 4.0)]
        assert not memory_of(app).references
        assert len({line.colour for line in memory_of(app).series}) == 2


async def test_a_zoomed_axis_shows_the_samples_of_its_steps(store):
    async with dashboard(store) as (app, pilot):
        await press(app, pilot, "enter", "plus", "plus")
        low, high = memory_of(app).span
        inside = [x for x in memory_of(app).series[0].xs if low <= x <= high]
        assert 0 < len(inside) < 12


async def test_with_a_gpu_and_before_the_first_step_there_is_no_such_chart(tmp_path):
    fabricate(tmp_path / "runs", "run1", steps=40)
    fabricate(tmp_path / "runs", "run2", "queued", 40, 0.0, created=CREATED + 1)
    async with dashboard(tmp_path / "runs") as (app, pilot):
        for key in ("home", "end"):
            await press(app, pilot, key)
            assert HOST_MEMORY not in [panel.key for panel in app.main.curves._panels]
