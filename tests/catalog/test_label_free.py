"""A ranking without labels: places by rank, alignment and uniformity, and nothing where a figure is missing."""

from __future__ import annotations

import pytest

from simclr_tui.catalog.label_free import label_free_scores


def row(rank, alignment, uniformity):
    return {"rank_h": rank, "alignment": alignment, "uniformity": uniformity}


def test_the_best_in_every_measure_is_first_and_the_worst_last():
    assert label_free_scores([row(10, 0.5, -2.0), row(30, 0.1, -3.5), row(20, 0.3, -3.0)]) == [0.0, 1.0, 0.5]


def test_measures_that_disagree_meet_in_the_middle_and_equals_share_their_places():
    assert label_free_scores([row(10, 0.1, -3.0), row(20, 0.5, -3.0)]) == [0.5, 0.5]
    assert label_free_scores([row(10, 0.1, -3.0)] * 3) == [0.5, 0.5, 0.5]
    assert label_free_scores([row(10, 0.1, -3.0), row(10, 0.1, -2.0)]) == pytest.approx([2 / 3, 1 / 3])


def test_a_run_without_a_measure_has_no_score_and_moves_nobody():
    rows = [row(10, 0.5, -2.0), {"rank_h": 99.0}, row(20, 0.4, None), row(30, 0.1, -3.5)]
    assert label_free_scores(rows) == [0.0, None, None, 1.0]
    assert label_free_scores([]) == []
    assert label_free_scores([{}]) == [None]
