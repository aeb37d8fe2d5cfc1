"""The star of lists and the best comparable: one function, and only among runs whose kNN can be compared."""

from __future__ import annotations

import pytest

from simclr_tui.catalog.references import best_runs, knn_kind, knn_references, ranked_by_kind, ranked_with, same_ranks
from simclr_tui.store.data_facts import DataFacts, write_data_facts
from tests.run_factory import make_run

ALIKE = {"data": "shapes", "subset": 0, "knn_k": 200, "knn_weights": "similarity", "knn_on": "validation",
         "eval_crop": 1.0}  # fmt: skip


def row(name, knn, state="finished", flags="", **recipe):
    return {"name": name, "knn_best": knn, "state": state, "flags": flags, **(ALIKE | recipe)}


def names(rows):
    return best_runs(ranked_by_kind(rows))


def test_the_best_of_those_that_count_is_one():
    rows = [row("a", 0.5), row("b", 0.7), row("c", 0.9, "stopped"), row("d", 0.8, flags="collapsed,stalled"),
            row("e", None), row("f", 0.95, "running"), row("g", float("nan"))]  # fmt: skip
    assert names(rows) == {"b"}
    equals = [row("a", 0.5) | {"created": 2.0}, row("b", 0.5) | {"created": 1.0}]
    assert names(equals) == names(equals[::-1]) == {"b"}, "the older of equals, in whatever order they come"


@pytest.mark.parametrize(
    "other",
    [
        {"data": "cifar10"},
        {"subset": 100},
        {"knn_k": 10},
        {"knn_weights": "equal"},
        {"knn_on": "test"},
        {"eval_crop": 0.875},
        {"knn_images": 400},
    ],
)
def test_what_was_measured_in_another_way_has_a_best_of_its_own(other):
    rows = [row("a", 0.5), row("b", 0.6), row("c", 0.9, **other)]
    assert names(rows) == {"b"}, "and one that is alone has nothing to be better than"
    assert names([*rows, row("d", 0.8, **other)]) == {"b", "c"}
    assert knn_kind(rows[0]) != knn_kind(rows[2])
    assert names([row("a", 0.5), row("b", 0.6, temp=0.1, bs=64)]) == {"b"}, "the recipe may differ"


def on(digest, name, knn, state="finished", **recipe):
    return row(name, knn, state, **recipe) | {"validation_digest": digest}


def test_a_run_that_was_measured_on_other_images_of_the_same_data_has_a_best_of_its_own():
    first = [on("x", "a", 0.5), on("x", "b", 0.6)]
    assert names([*first, on("y", "c", 0.9)]) == {"b"}, "the only one on its images has nothing to be better than"
    assert names([*first, on("y", "c", 0.9), on("y", "d", 0.7)]) == {"b", "c"}
    ranked = ranked_by_kind([*first, on("y", "c", 0.9)])
    assert [[one["name"] for one in ranked_with(ranked, on(digest, "now", 0.1))] for digest in "xyz"] == [
        ["b", "a"], ["c"], [],
    ]  # fmt: skip
    on_test = {"validation_digest": "y", "test_digest": "x", "knn_on": "test"}
    assert names([row("a", 0.5, **on_test), row("b", 0.6, **on_test | {"validation_digest": "z"})]) == {"b"}, (
        "the images that kNN is not measured on are no matter"
    )


def test_a_run_that_does_not_say_which_images_it_was_measured_on_counts_among_those_of_its_data():
    before = [row("old", 0.5), on("", "older", 0.4)]
    assert names([*before, on("x", "a", 0.7)]) == {"a"}
    assert names([*before, on("x", "a", 0.1)]) == {"old"}
    assert names([*before, on("x", "a", 0.7), on("y", "b", 0.9)]) == {"old"}, "where these changed, nobody can tell"
    ranked = ranked_by_kind([*before, on("x", "a", 0.7)])
    assert ranked_with(ranked, row("now", None, "running"))[0]["name"] == "a"
    assert ranked_with(ranked, on("y", "now", None, "running")) == []


def test_the_reference_is_the_best_other_run_that_can_be_compared(tmp_path):
    run = make_run(tmp_path, "mine")
    rows = [row("mine", 0.9), row("a", 0.5), row("b", 0.7), row("c", 0.8, knn_on="test"), row("d", 0.8, "lost")]
    assert knn_references(run, rows[0], ranked_by_kind(rows)) == {"best: b": 0.7}
    assert knn_references(run, rows[0], ranked_by_kind(rows[:1])) == {}
    assert knn_references(run, None, ranked_by_kind(rows[1:])) == {}
    assert knn_references(run, row("mine", 0.1, "running"), ranked_by_kind(rows[1:])) == {"best: b": 0.7}


def test_ranks_are_made_anew_only_where_a_result_changed():
    rows = [row("a", 0.5), row("b", 0.7), row("c", 0.1, "running")]
    trained = [*rows[:2], row("c", 0.2, "running")]
    assert same_ranks(rows, trained)
    assert not same_ranks(rows, [*rows[:2], row("c", 0.2)]), "it finished"
    assert not same_ranks(rows, [row("a", 0.5, flags="collapsed"), *rows[1:]])
    assert not same_ranks(rows, rows[:2])
    assert not same_ranks([], rows)


@pytest.mark.parametrize(
    ("classes", "lines"),
    [
        ({"a": 50, "b": 50}, {"chance": 0.5}),
        ({"a": 90, "b": 10}, {"chance": 0.5, "largest class": 0.9}),
        ({"a": 501, "b": 500}, {"chance": 0.5}),
        ({"a": 30, "b": 10, "empty": 0}, {"chance": 0.5, "largest class": 0.75}),
        ({}, {}),
    ],
)
def test_chance_and_the_largest_class_are_two_lines_where_classes_are_uneven(tmp_path, classes, lines):
    run = make_run(tmp_path, "mine")
    write_data_facts(run.path, DataFacts(fingerprint="f", data="d", images=100, test_images=0, classes=classes))
    assert knn_references(run, None, {}) == pytest.approx(lines)
