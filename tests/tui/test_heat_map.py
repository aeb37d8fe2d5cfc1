"""kNN over the two fields in which compared runs differ: a table of shaded cells, where there are enough runs."""

from __future__ import annotations

import msgspec
import pytest

from simclr_tui.catalog.compare import compare
from simclr_tui.store.state import write_state
from simclr_tui.store.store import Store
from simclr_tui.tui.heat_map import draw_heat_map, heat_map
from tests.tui.runs_fabric import CREATED, fabricate


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("grid") / "runs"
    for number, (temp, bs) in enumerate((temp, bs) for temp in (0.1, 0.5) for bs in (32, 64)):
        fabricate(root, f"run{number}", steps=40, created=CREATED + number, temp=temp, bs=bs)
    fabricate(root, "failed", "failed", 40, created=CREATED + 9, temp=0.9, bs=32, reason="no memory")
    return Store(root)


def test_two_fields_span_a_map_with_the_value_of_each_pair_and_a_dash_for_a_failed_run(runs):
    comparison = compare([runs.run(name) for name in ("run0", "run1", "run2", "run3", "failed")])
    text = heat_map(comparison)
    lines = text.plain.splitlines()
    assert "temp (down) and bs (across)" in lines[1]
    assert lines[2].split() == ["32", "64"]
    best = next(measure for measure in comparison.measures if measure.metric == "knn_best")
    shown = [f"{100 * value:.1f}" for value in best.values[:4]]
    assert lines[3].split() == ["0.1", *shown[:2]]
    assert lines[4].split() == ["0.5", *shown[2:]]
    assert len(lines) == 5, "a value that only a failed run has is no row"
    shades = {span.style.bgcolor.name for span in text.spans if getattr(span.style, "bgcolor", None)}
    assert len(shades) == len(set(best.values[:4])), "a better value has another shade"


def test_values_of_many_digits_widen_their_columns_and_stay_apart():
    found = {(temp, bs): 0.1 * bs / 64 for temp in (0.123456781, 0.123456789) for bs in (32, 64)}
    lines = draw_heat_map("temp", "a", found).plain.splitlines()[2:]
    assert [line.split()[0] for line in lines[1:]] == ["0.123456781", "0.123456789"]
    assert {len(line) for line in lines} == {len(lines[0])}


def test_one_field_or_too_few_runs_give_no_map(runs):
    assert heat_map(compare([runs.run("run0"), runs.run("run1")])) is None
    assert heat_map(compare([runs.run("run0"), runs.run("run3")])) is None


def test_accuracies_on_other_data_share_no_map(tmp_path):
    for number, (subset, bs) in enumerate((subset, bs) for subset in (100, 200) for bs in (32, 64)):
        fabricate(tmp_path, f"run{number}", steps=40, created=CREATED + number, subset=subset, bs=bs)
    store = Store(tmp_path)
    assert heat_map(compare([store.run(f"run{number}") for number in range(4)])) is None


def test_accuracies_on_held_out_images_that_changed_share_no_map(tmp_path):
    for number, (temp, bs) in enumerate((temp, bs) for temp in (0.1, 0.5) for bs in (32, 64)):
        fabricate(tmp_path, f"run{number}", steps=40, created=CREATED + number, temp=temp, bs=bs)
    store = Store(tmp_path)
    runs = [store.run(f"run{number}") for number in range(4)]
    for run, digest in zip(runs, "aaab", strict=True):
        state = run.status
        facts = state.facts | {"validation_digest": digest, "test_digest": digest}
        write_state(run.paths, msgspec.structs.replace(state, facts=facts))
    assert heat_map(compare(runs)) is None
    write_state(runs[3].paths, msgspec.structs.replace(runs[3].status, facts=runs[0].status.facts))
    assert heat_map(compare(runs)) is not None
