"""The correlation between rankings without labels and kNN: against SciPy, and over a store of fabricated runs."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.label_free import Scored, correlation, interval, main, mean_places, read, report, spearman
from tests.run_factory import make_run


def test_spearman_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    chance = np.random.default_rng(0)
    for size in (3, 12, 50):
        one, other = chance.integers(0, 6, size).tolist(), chance.normal(size=size).tolist()
        assert spearman(one, other) == pytest.approx(stats.spearmanr(one, other).statistic)
    assert np.isnan(spearman([1, 1, 1], [1, 2, 3]))


def test_a_place_is_the_mean_over_rank_alignment_and_uniformity_and_equals_share_it():
    def row(rank: float, alignment: float, uniformity: float) -> dict[str, float]:
        return {"rank_h": rank, "alignment": alignment, "uniformity": uniformity}

    assert mean_places([row(10, 0.5, -2.0), row(30, 0.1, -3.5), row(20, 0.3, -3.0)]) == [0.0, 1.0, 0.5]
    assert mean_places([row(10, 0.1, -3.0), row(20, 0.5, -3.0)]) == [0.5, 0.5]
    assert mean_places([row(10, 0.1, -3.0)] * 3) == [0.5, 0.5, 0.5]
    assert mean_places([row(10, 0.1, -3.0), row(10, 0.1, -2.0)]) == pytest.approx([2 / 3, 1 / 3])


def test_correlations_are_taken_within_each_data_set_and_the_interval_holds_their_mean():
    chance = np.random.default_rng(1)
    runs = [
        Scored(f"d{data}-{n}", f"d{data}", {"rank_h": float(n)}, offset + n / 50 + chance.normal() / 20)
        for data, offset in ((1, 0.0), (2, 0.7))
        for n in range(20)
    ]

    def by_rank(some):
        return [run.measures["rank_h"] for run in some]

    found = correlation(runs, by_rank)
    alone = [spearman(by_rank(part), [run.knn for run in part]) for part in (runs[:20], runs[20:])]
    assert found == pytest.approx(sum(alone) / 2)
    low, high = interval(runs, by_rank)
    assert low < found <= high <= 1.0
    assert interval(runs, by_rank) == (low, high), "the draws are seeded"


def test_a_report_counts_what_is_whole_and_names_the_rest(tmp_path, capsys):
    for n in range(1, 6):
        summary = {"rank_h": 10.0 * n, "alignment": 0.5 - n / 20, "uniformity": -1.0 - n, "knn": n / 10}
        make_run(tmp_path, f"d1-r{n}", summary=summary)
    make_run(tmp_path, "d1-bad", state="failed", reason="the loss is not finite")
    make_run(tmp_path, "d1-unmeasured", summary={})
    runs, missing = read(tmp_path)
    assert [run.name for run in runs] == [f"d1-r{n}" for n in range(1, 6)]
    assert missing == ["d1-bad: failed the loss is not finite", "d1-unmeasured: finished"]
    found = report(tmp_path)
    assert {name: round(one["spearman"], 6) for name, one in found["scores"].items()} == dict.fromkeys(
        found["scores"], 1
    )
    assert main(["report", str(tmp_path)]) == 0
    assert "not counted: d1-bad: failed" in capsys.readouterr().out
