"""One line about the run under the cursor, and the head's three: what a glance asks for stands in them at any width."""

from __future__ import annotations

import msgspec
import pytest
from rich.cells import cell_len

from simclr_tui.hardware.sample import GpuSample, HardwareSample
from simclr_tui.store.state import State
from simclr_tui.tui.feed.messages import Detail
from simclr_tui.tui.runs.run_head import head_lines
from simclr_tui.tui.runs.status_line import _line as status_line

NAME = "resnet18-cifar10-with-longer-warm-up-seed-2"
GPU = GpuSample(index=0, memory_used=62_000_000_000, memory_total=85_000_000_000, utilization=0.97)
TRAINS = State(
    state="running", since=0.0, step=40, steps=400, steps_per_epoch=20, elapsed=0.0, time=30.0,
    summary={"knn": 0.452, "knn_best": 0.452, "loss": 4.1, "steps_per_s": 0.072},
)  # fmt: skip
REASON = "the loss is not finite at step 40 (learning rate 2.08e+05; losses before: 5.6, 5.562, 5.425, 5.364, 5.612)"
EVALUATIONS = (("knn", "30.0%, top-5 80.4% (step 138)"), ("linear", "32.4 ± 0.3%, top-5 82.3% (step 138, 3 seeds)"))


def _detail(state: State, **more: object) -> Detail:
    sample = HardwareSample(time=0.0, gpus=(GPU,))
    return Detail(NAME, state, None, **({"sample": sample} | more))  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [60, 72, 80, 120, 200])
def test_a_run_that_trains_has_its_name_knn_the_best_the_time_left_and_its_gpu(width):
    words = status_line(_detail(TRAINS), width, best=0.51).plain
    assert cell_len(words) <= width
    for part in (" res", "●", "kNN 45.2%", "best 51.0%", "ETA 1h23m", "GPU0 62/85 GB"):
        assert part in words
    assert words.split()[0].endswith("-2"), "a name keeps its end"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_what_went_wrong_is_cut_and_never_left_out(width):
    state = msgspec.structs.replace(TRAINS, state="failed", reason=REASON, flags=("diverged",))
    words = status_line(_detail(state), width, best=0.51).plain
    assert cell_len(words) <= width
    assert "the loss is not finite" in words
    assert "kNN 45.2%" in words or width == 60
    first = head_lines(_detail(state), width=width)[0]
    assert any(part.startswith("the loss is not finite") for part, _ in first)
    assert sum(cell_len(part) + 2 for part, _ in first[:3]) - 2 <= width


@pytest.mark.parametrize("width", [60, 80])
def test_how_a_run_was_stopped_leaves_room_for_its_knn(width):
    state = msgspec.structs.replace(TRAINS, state="stopped", reason="on request, with a checkpoint at step 92")
    words = status_line(_detail(state), width, best=0.51).plain
    for part in (" res", "■", "kNN 45.2%", "best 51.0%", "epoch 2/20"):
        assert part in words


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (200, "eval knn 30.0%, top-5 80.4% (step 138)  eval linear 32.4 ± 0.3%, top-5 82.3% (step 138, 3 seeds)"),
        (77, "eval knn 30.0%, linear 32.4 ± 0.3%"),
        (30, "eval knn 30.0% +1"),
    ],
)
def test_the_head_tells_every_evaluation_or_how_many_more_there_are(width, told):
    state = msgspec.structs.replace(TRAINS, state="finished")
    found = [words for words, _ in head_lines(_detail(state, evaluations=EVALUATIONS), 0.51, width=width)[1]]
    assert told in found
