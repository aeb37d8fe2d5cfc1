"""The Views and Embedding tabs over a run that was really trained."""

from __future__ import annotations

import pytest

from simclr_tui.errors import DataError
from simclr_tui.launch.cancel import Cancel
from simclr_tui.recipe.resolve import UNKNOWN, to_toml
from simclr_tui.store.store import Store
from simclr_tui.tui.images.requests import ImageRequest, compute
from tests.training import tiny_run, train_in_process
from tests.tui.driving import NARROW, WIDE, dashboard, press, screen_lines, screen_text, until
from tests.tui.runs_fabric import fabricate

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW])


@pytest.fixture(scope="module")
def trained(tmp_path_factory, shared_data):
    root = tmp_path_factory.mktemp("looking") / "runs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMCLR_DATA", str(shared_data))
        assert train_in_process(tiny_run(root, epochs=1)).returncode == 0
    return root


@SIZES
async def test_views_are_drawn_then_the_neighbours_of_a_chosen_image(trained, size):
    async with dashboard(trained, size) as (app, pilot):
        await press(app, pilot, "5")
        text = screen_text(app)
        assert "augmented views" in text
        assert "view 1" in text
        assert "▀" in text
        await press(app, pilot, "v")
        assert "to test image 0, by h at step 6" in " ".join(screen_text(app).split())
        first = app.main.images.views._shown
        assert len(first.neighbors) == 8
        await press(app, pilot, "m")
        app.focused.value = "7"
        await press(app, pilot, "enter")
        assert "to test image 7, by h" in " ".join(screen_text(app).split())
        await press(app, pilot, "v")
        assert "view 2" in screen_text(app)
        assert app.main.images.requests.answer(ImageRequest("neighbors", "run1", 6, "0")) is first


async def test_the_pixels_of_a_view_are_on_screen(trained):
    async with dashboard(trained) as (app, pilot):
        await press(app, pilot, "5")
        shown = app.main.images.views._shown.images[0]
        rgb = shown.original.rgb[:3].hex()
        with app._context():
            strips = app.screen._compositor.render_strips()
        colours = {segment.style.color.triplet.hex for strip in strips for segment in strip if segment.text[:1] == "▀"}
        assert f"#{rgb}" in colours


@SIZES
async def test_the_embedding_names_the_image_under_the_cursor(trained, size):
    async with dashboard(trained, size) as (app, pilot):
        await press(app, pilot, "6", "enter")
        title = next(line for line in screen_lines(app) if "PCA of h" in line)
        view = app.main.images.embedding
        projection = view._projection
        first, second = (f"{100 * share:.1f}%" for share in projection.explained)
        assert f"{first} + {second} of the variance" in title
        named = {(point.index, point.label) for point in projection.points}
        seen = set()
        for key in ("right", "down", "left", "up", "right"):
            await press(app, pilot, key)
            point = view.chosen
            assert f"test image {point.index}" in screen_text(app)
            assert point.label in screen_text(app)
            assert (point.index, point.label) in named
            seen.add(point.index)
        assert len(seen) > 2
        for name in projection.classes[:3]:
            assert name in screen_text(app)


async def test_one_class_after_the_other_is_brought_out_and_a_point_leads_to_its_neighbours(trained):
    async with dashboard(trained) as (app, pilot):
        await press(app, pilot, "6", "enter", "v", "v")
        view = app.main.images.embedding
        assert view.chosen.label == view._projection.classes[1]
        await press(app, pilot, "right")
        assert view.chosen.label == view._projection.classes[1]
        index = view.chosen.index
        await press(app, pilot, "m")
        assert app.main.tab == "views"
        assert f"to test image {index}, by h" in " ".join(screen_text(app).split())


async def test_a_run_without_checkpoint_and_an_empty_store_say_so(tmp_path):
    fabricate(tmp_path / "runs", "run1", "running", 60, 0.5)
    fabricate(tmp_path / "ended", "run1", "failed", 60, 0.5, reason="no memory")
    ended = "no checkpoint: the run ended before one was saved"
    for root, said in (
        (tmp_path / "runs", "no checkpoint yet"), (tmp_path / "ended", ended), (tmp_path / "none", "no runs yet")
    ):  # fmt: skip
        async with dashboard(root) as (app, pilot):
            await press(app, pilot, "6")
            assert said in screen_text(app)
            await press(app, pilot, "m", "v", "enter", "5", "v")
            assert said in screen_text(app)


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("finished", "put them back"),
        ("stopped", "put them back, or resume it with them: simclr resume run1 --data DATA"),
    ],
)
def test_images_that_are_gone_or_not_known_are_told_with_what_helps_a_run_that_has_its_recipe(tmp_path, state, advice):
    gone = f"folder:{tmp_path / 'gone'}"
    run = fabricate(tmp_path / "runs", "run1", state, 20, data=gone)
    for kind in ("views", "embedding"):
        error = compute(ImageRequest(kind, "run1", 20), run, Cancel())
        assert isinstance(error, DataError)
        assert error.message == f"the images of run1 cannot be read: {tmp_path / 'gone'} does not exist"
        assert error.hint == advice
    unknown = run.resolved.with_value("data", "auto", UNKNOWN)
    run.paths.recipe.write_text(to_toml(unknown))
    assert "not known" in str(compute(ImageRequest("views", "run1"), run, Cancel())), "auto would be other images"


async def test_what_is_computed_for_another_run_is_not_shown_over_what_is_known(trained):
    async with dashboard(trained) as (app, pilot):
        await press(app, pilot, "5")
        shown = screen_text(app)
        app.main.images.requests.pending = ImageRequest("views", "another")
        app.main.show_work()
        await pilot.pause()
        assert "computing" not in screen_text(app)
        assert "view 1" in shown


async def test_looking_is_cancelled_and_enter_tries_again(trained):
    async with dashboard(trained) as (app, pilot):
        await pilot.press("6")
        await until(pilot, lambda: "computing the embedding" in screen_text(app))
        process = await until(pilot, lambda: app.main.images.requests._cancel._process)
        await pilot.press("X")
        await until(pilot, lambda: "cancelled" in screen_text(app))
        assert process.poll() is not None
        await press(app, pilot, "enter", "enter")
        assert "PCA of h" in screen_text(app)


async def test_a_newer_checkpoint_is_offered_and_taken_with_enter(trained, tmp_path):
    async with dashboard(trained) as (app, pilot):
        await press(app, pilot, "6", "enter")

        def offered():
            app.main.images.checkpoint = 7
            app.main.images.refresh()
            return "step 7 is newer: enter shows it" in screen_text(app)

        await until(pilot, offered)
        assert "PCA of h" in screen_text(app)
        assert app.main.images.requests.pending is None


async def test_an_image_that_is_not_there_is_a_sentence(trained):
    async with dashboard(trained) as (app, pilot):
        await press(app, pilot, "5", "v", "m")
        app.focused.value = "999999"
        await press(app, pilot, "enter")
        assert "999999" in screen_text(app)
        assert "enter tries again" in screen_text(app)


async def test_the_same_function_is_behind_the_command(trained):
    from simclr_tui.launch.tasks import project

    async with dashboard(trained) as (app, pilot):
        await press(app, pilot, "6")
        assert app.main.images.embedding._projection == project(Store(trained).run("run1"), split="test", quiet=True)
