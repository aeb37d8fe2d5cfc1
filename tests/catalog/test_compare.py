"""Which run is better, and what was different."""

from __future__ import annotations

import json

import pytest

from simclr_tui.catalog.compare import Comparison, Measure, compare
from simclr_tui.errors import SimclrError
from tests.run_factory import make_run, metric_line, write_metrics


def measure(comparison: Comparison, name: str) -> Measure:
    return next(row for row in comparison.measures if row.name == name)


def trained(root, name, flags=None, knn=(0.2, 0.5), loss=(5.0, 4.0), **state):
    run = make_run(root, name, flags=flags, **state)
    lines = [metric_line(step, loss=value, gpu_allocated=1000.0) for step, value in enumerate(loss, start=1)]
    lines += [metric_line(100 + step, knn=value) for step, value in enumerate(knn)]
    write_metrics(run.paths, 1, lines)
    return run


def test_the_best_of_each_measure_is_named(tmp_path):
    first = trained(
        tmp_path, "a", knn=(0.2, 0.9, 0.6), loss=(5.0, 3.0, 4.0), summary={"images_per_s": 100.0}, time=50.0
    )
    second = trained(
        tmp_path, "b", knn=(0.3, 0.7), loss=(5.0, 3.5), summary={"images_per_s": 300.0}, time=20.0, elapsed=60.0
    )
    found = compare([first, second])
    assert found.differences == {}
    expected = {
        "knn": ((0.6, 0.7), 1),
        "knn best": ((0.9, 0.7), 0),
        "knn first": ((0.2, 0.3), None),
        "loss": ((4.0, 3.5), 1),
        "loss best": ((3.0, 3.5), 0),
        "images/s": ((100.0, 300.0), 1),
        "training time": ((50.0, 80.0), None),
        "GPU memory": ((1000.0, 1000.0), None),
    }
    for name, (values, better) in expected.items():
        row = measure(found, name)
        assert (row.values, row.better) == (values, better), name


def test_only_differing_fields_are_told_by_their_short_names(tmp_path):
    runs = [
        trained(tmp_path, "a", {"temp": 0.5}),
        trained(tmp_path, "b", {"temp": 0.1, "seed": 3}),
        trained(tmp_path, "c", {"temp": 0.1}),
    ]
    assert compare(runs).differences == {"temp": [0.5, 0.1, 0.1], "seed": [0, 3, 0]}


@pytest.mark.parametrize("flags", [{"temp": 0.1}, {"bs": 512}])
def test_loss_is_not_judged_where_its_scale_differs(tmp_path, flags):
    found = compare([trained(tmp_path, "a", loss=(9.0, 8.0)), trained(tmp_path, "b", flags, loss=(2.0, 1.0))])
    for name in ("loss", "loss best"):
        assert measure(found, name).better is None
        assert None not in measure(found, name).values
    assert (
        measure(compare([trained(tmp_path, "c"), trained(tmp_path, "d", {"seed": 9}, loss=(1.0,))]), "loss").better == 1
    )


def test_a_tie_has_no_winner_and_a_third_can_still_win(tmp_path):
    runs = [trained(tmp_path, name, knn=(value,)) for name, value in (("a", 0.5), ("b", 0.5), ("c", 0.6))]
    assert measure(compare(runs[:2]), "knn").better is None
    assert measure(compare(runs), "knn").better == 2
    assert measure(compare([*runs[:2], trained(tmp_path, "d", knn=(0.4,))]), "knn").better is None


def test_what_was_never_measured_neither_wins_nor_loses(tmp_path):
    bare = make_run(tmp_path, "bare")
    gaps = trained(tmp_path, "gaps", knn=(None, None), loss=(None,))
    good, better = trained(tmp_path, "good", knn=(0.5,)), trained(tmp_path, "better", knn=(0.6,))
    found = compare([bare, gaps, good, better])
    assert measure(found, "knn").values == (None, None, 0.5, 0.6)
    assert measure(found, "knn").better == 3
    assert measure(compare([bare, good]), "knn").better is None, "one value alone wins nothing"
    assert measure(compare([bare, gaps]), "loss").values == (None, None)
    json.dumps(found.as_json(), allow_nan=False)


def test_the_json_form_names_runs(tmp_path):
    found = compare([trained(tmp_path, "a", knn=(0.5,)), trained(tmp_path, "b", {"seed": 1}, knn=(0.6,))]).as_json()
    assert found["runs"] == ["a", "b"]
    assert found["states"] == ["finished", "finished"]
    assert found["differences"] == {"seed": [0, 1]}
    assert found["measures"]["knn"] == {"values": [0.5, 0.6], "unit": "%", "better": "b"}
    assert found["measures"]["steps"]["better"] is None


def test_a_run_that_cannot_be_read_is_an_error_in_a_sentence(tmp_path):
    good, bad = make_run(tmp_path, "good"), make_run(tmp_path, "bad")
    bad.paths.state.write_bytes(b"{")
    with pytest.raises(SimclrError, match="bad has no readable"):
        compare([good, bad])


def test_runs_that_differ_only_in_seed_are_one_with_mean_and_deviation(tmp_path):
    runs = [
        trained(tmp_path, "a", {"temp": 0.5, "seed": 0}, knn=(0.2, 0.6)),
        trained(tmp_path, "b", {"temp": 0.1, "seed": 0}, knn=(0.2, 0.8)),
        trained(tmp_path, "c", {"temp": 0.5, "seed": 1}, knn=(0.2, 0.5)),
        trained(tmp_path, "d", {"temp": 0.5, "seed": 2}, knn=(0.2, 0.4)),
    ]
    found = compare(runs)
    assert found.repeated
    assert [group.places for group in found.seeds] == [(0, 2, 3), (1,)]
    place = [row.name for row in found.measures].index("knn")
    spread = found.seeds[0].spreads[place]
    assert (spread.mean, spread.std, spread.count) == (pytest.approx(0.5), pytest.approx(0.1), 3)
    assert found.group_title(found.seeds[0]) == "a, c, d (3 seeds)"
    rows = {name: (cells, better) for name, cells, better in found.group_rows()}
    assert rows["temp"] == (["0.5", "0.1"], None)
    assert "seed" not in rows
    assert rows["knn"] == (["50.0 ± 10.0%", "80.0%"], 1)
    assert found.as_json()["seeds"][0]["measures"]["knn"] == {
        "mean": pytest.approx(0.5),
        "std": pytest.approx(0.1),
        "n": 3,
    }


def test_runs_that_differ_in_more_than_the_seed_stay_apart(tmp_path):
    found = compare([trained(tmp_path, "a"), trained(tmp_path, "b", {"seed": 1, "lr": 0.01})])
    assert not found.repeated
    assert [group.places for group in found.seeds] == [(0,), (1,)]
