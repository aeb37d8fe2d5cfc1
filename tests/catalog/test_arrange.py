"""Rows in order and in groups, judged against figures computed here."""

from __future__ import annotations

import math
import statistics

import pytest

from simclr_tui.catalog.arrange import (
    PROGRESS,
    descends,
    find_order,
    group_rows,
    groupable,
    not_averaged,
    sort_rows,
    sortable,
    spread_text,
)
from simclr_tui.catalog.filter import complete_filter, parse_filter
from simclr_tui.catalog.row import cell_text, cell_texts, columns, parse_columns
from simclr_tui.catalog.spread import Spread, spread_of
from simclr_tui.errors import RecipeError
from simclr_tui.recipe.fields import short_values
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.metrics.metric_table import COLUMNS, METRICS


def row(name, **values):
    return dict.fromkeys(columns()) | short_values(Recipe()) | {"name": name, "state": "finished", **values}


def names(rows):
    return [one["name"] for one in rows]


def test_every_sortable_thing_sorts_both_ways_with_the_unknown_last():
    rows = [
        row("run10", loss=2.0, step=1, steps=10),
        row("run2", loss=math.nan),
        row("run3", loss=1.0, step=9, steps=10),
    ]
    for column in sortable():
        for descending in (True, False):
            assert sorted(names(sort_rows(rows, column, descending))) == ["run10", "run2", "run3"]
    assert names(sort_rows(rows, "loss", False)) == ["run3", "run10", "run2"]
    assert names(sort_rows(rows, "loss", True)) == ["run10", "run3", "run2"]
    assert names(sort_rows(rows, "name", False)) == ["run2", "run3", "run10"]
    assert names(sort_rows(rows, PROGRESS, True)) == ["run3", "run10", "run2"]


def test_equal_rows_keep_their_order_and_states_go_by_urgency():
    rows = [row("a", state="failed"), row("b", state="running"), row("c", state="failed")]
    assert names(sort_rows(rows, "state", False)) == ["b", "a", "c"]
    assert names(sort_rows(rows, "state", True)) == ["a", "c", "b"]


def test_rows_with_every_value_finite_are_sorted_as_those_are_where_one_is_not():
    rows = [row(str(n), loss=value) for n, value in enumerate([2.0, 1.0, 2.0, 0.5, 1.0])]
    for descending in (False, True):
        beside = sort_rows([*rows, row("unknown", loss=None), row("nan", loss=math.nan)], "loss", descending)
        assert names(beside) == [*names(sort_rows(rows, "loss", descending)), "unknown", "nan"]
    assert names(sort_rows(rows, "loss", False)) == ["3", "1", "4", "0", "2"]
    assert names(sort_rows(rows, "loss", True)) == ["0", "2", "1", "4", "3"]


def test_an_order_is_read_from_a_word_and_the_nearest_one_is_named():
    assert (find_order("loss"), find_order("-loss")) == (("loss", False), ("loss", True))
    assert (find_order("knn"), find_order("-knn")) == (("knn", True), ("knn", False))
    assert (find_order("created"), find_order("-created")) == (("created", False), ("created", True))
    assert find_order("batch_size") == ("bs", False)
    assert find_order("progress") == (PROGRESS, False)
    with pytest.raises(RecipeError, match="did you mean loss"):
        find_order("los")
    assert descends("knn_best")
    assert not descends("loss")
    assert set(groupable()) - {"tags"} <= columns().keys()


@pytest.mark.parametrize("metric", COLUMNS, ids=lambda metric: metric.name)
def test_every_list_has_a_metrics_better_values_first(metric):
    """In the command line's order and in the one that the dashboard chooses."""
    better, worse = (0.9, 0.1) if metric.better != "lowest" else (0.1, 0.9)
    rows = [row("worse", **{metric.name: worse}), row("none"), row("better", **{metric.name: better})]
    assert names(sort_rows(rows, *find_order(metric.name))) == ["better", "worse", "none"]
    assert names(sort_rows(rows, metric.name, descends(metric.name))) == ["better", "worse", "none"]


def test_alignment_and_uniformity_are_better_low():
    assert [METRICS[name].better for name in ("alignment", "uniformity", "loss", "gpu_allocated")] == ["lowest"] * 4
    assert [METRICS[name].better for name in ("knn", "linear", "rank_h", "images_per_s")] == ["highest"] * 4


def test_groups_have_the_mean_and_the_sample_deviation_of_their_members():
    rows = [row("a", temp=0.5, knn=0.2), row("b", temp=0.1, knn=0.9), row("c", temp=0.5, knn=0.4), row("d", temp=0.5)]
    first, second = group_rows(rows, "temp")
    assert (first.value, names(first.rows)) == (0.5, ["a", "c", "d"])
    spread = first.spread("knn")
    assert spread == Spread(pytest.approx(0.3), pytest.approx(statistics.stdev([0.2, 0.4])), 2)
    assert second.spread("knn") == Spread(0.9, None, 1)
    assert second.spread("loss") is None
    assert spread_text("knn", spread) == "30.0 ± 14.1%"
    assert spread_text("loss", Spread(5.58634, 0.4171, 2)) == "5.59 ± 0.42"
    assert spread_text("loss", None) == "–"


def test_a_group_averages_what_has_finished_in_health_and_says_how_many_that_are():
    rows = [
        row("a", temp=0.5, knn=0.80), row("b", temp=0.5, knn=0.82), row("c", temp=0.5, knn=0.10, flags="collapsed"),
        row("d", temp=0.5, knn=0.2, state="stopped"), row("e", temp=0.5, knn=0.1, state="failed", flags="diverged"),
    ]  # fmt: skip
    (group,) = group_rows(rows, "temp")
    assert (group.spread("knn").mean, group.spread("knn").count) == (pytest.approx(0.81), 2)
    assert (group.sound, group.count) == (2, "2 of 5")
    found = group.as_json()
    assert found["averaged"] == ["a", "b"]
    half = 12.706205 * statistics.stdev([0.80, 0.82]) / math.sqrt(2)
    assert found["knn"]["interval"] == [pytest.approx(0.81 - half), pytest.approx(0.81 + half)]


@pytest.mark.parametrize(
    ("metric", "field", "values"),
    [("knn", "data", ("cifar10", "shapes")), ("knn", "subset", (0, 100)), ("loss", "objective", ("nt-xent", "dcl")),
     ("loss", "bs", (256, 512)), ("loss", "gray", (0.1, 0.2)), ("linear", "data", ("cifar10", "shapes"))],
)  # fmt: skip
def test_what_was_measured_differently_is_not_averaged_and_a_sentence_says_why(metric, field, values):
    rows = [row(str(value), temp=0.5, **{metric: 0.5, field: value}) for value in values]
    (group,) = group_rows(rows, "temp")
    assert group.spread(metric) is None
    assert group.as_json()["not_averaged"][metric] == [field]
    assert any(field in sentence for sentence in not_averaged([group]))
    alike = [row(str(number), temp=0.5, **{metric: 0.5, field: values[0]}) for number in range(2)]
    assert group_rows(alike, "temp")[0].spread(metric).count == 2
    assert not_averaged(group_rows(alike, "temp")) == []


@pytest.mark.parametrize(
    ("knn_on", "changed", "averaged"),
    [
        ("validation", "validation_digest", {"linear"}),
        ("validation", "test_digest", {"knn"}),
        ("test", "test_digest", set()),
        ("test", "linear_digest", {"knn"}),
    ],
)
def test_accuracies_on_held_out_images_that_changed_are_not_averaged(knn_on, changed, averaged):
    known = {"knn_on": knn_on, "validation_digest": "v", "test_digest": "t"}
    rows = [
        row(name, temp=0.5, knn=0.5, linear=0.6, **known | more)
        for name, more in (("a", {}), ("b", {changed: "other"}))
    ]
    (group,) = group_rows(rows, "temp")
    assert {figure for figure in ("knn", "linear") if group.spread(figure) is not None} == averaged
    refused = {figure: ["held-out images"] for figure in {"knn", "linear"} - averaged}
    assert group.as_json()["not_averaged"] == refused
    assert len([words for words in not_averaged([group]) if "held-out images" in words]) == len(refused)


def test_what_is_not_a_number_is_not_averaged():
    assert spread_of([True, "x", None, math.nan, math.inf]) is None
    assert spread_of([1, 3.0, math.nan]) == Spread(2.0, pytest.approx(math.sqrt(2)), 2)


def test_figures_near_the_largest_do_not_overflow():
    found = spread_of([1.7e308, 1.7e308])
    assert found == Spread(1.7e308, 0.0, 2)
    assert spread_of([1.7e308, -1.7e308]).std == math.inf
    assert spread_text("loss", spread_of([1.7e308, -1.7e308])) == "0"


def test_runs_are_grouped_by_all_their_tags_in_whatever_order():
    rows = [row("a", tags="x,y"), row("b", tags="y,x"), row("c", tags="")]
    assert [(group.value, len(group.rows)) for group in group_rows(rows, "tags")] == [("x,y", 2), ("", 1)]


def test_columns_are_read_from_words():
    assert parse_columns("temp, lr  batch_size,temp") == ("temp", "lr", "bs")
    assert parse_columns(" ") == ()
    with pytest.raises(RecipeError, match="did you mean temp"):
        parse_columns("tmp")


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("knn", 0.8391, "83.9%"), ("linear", math.nan, "–"), ("elapsed", 75.0, "1m15s"), ("nesterov", True, "yes"),
        ("gpu_allocated", 61.2e9, "61.2 GB"), ("temp", 0.1, "0.1"), ("tags", "", "–"), ("note", "a\x1b[2J", "a␛[2J"),
        ("loss", None, "–"),
    ],
)  # fmt: skip
def test_cells_are_told_in_their_unit(column, value, text):
    assert cell_text(column, value) == text
    assert cell_texts(column, [value, None, value]) == [text, "–", text]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("sta", "state:"), ("-tag", "-tag:"), ("state:fin", "state:finished"), ("tag:pa", "tag:paper"),
        ("bs>=256 te", "bs>=256 temp>="), ("state:failed,run", "state:failed,running"),
        ("-state:fa", "-state:failed"), ("optimizer:la", "optimizer:lars"),
    ],
)  # fmt: skip
def test_the_last_term_of_a_filter_is_completed_to_what_can_be_read(typed, first):
    found = complete_filter(typed, [row("a", tags="paper,night")])
    assert found[0] == first
    if not first.endswith((":", ">=")):
        parse_filter(found[0])


@pytest.mark.parametrize("typed", ["", "nothing:", "zzz", "bs>=256 ", "\x1b"])
def test_nothing_is_offered_where_nothing_fits(typed):
    assert complete_filter(typed) == []
