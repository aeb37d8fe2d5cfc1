"""Results of evaluations as files, and what lists make of them."""

from __future__ import annotations

import json
import sqlite3
import statistics

import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.compare import compare
from simclr_tui.catalog.filter import parse_filter
from simclr_tui.cli.confusion import confusion_lines
from simclr_tui.store.evaluations import (
    Evaluation,
    SeedResult,
    read_evaluation,
    read_evaluations,
    result_name,
    save_evaluation,
)
from simclr_tui.store.store import Store
from tests.run_factory import make_run

CONFUSION = [[8, 2, 0], [1, 3, 1], [0, 0, 0]]


def evaluation(name: str = "linear", top1: tuple[float, ...] = (0.5,), **changes) -> Evaluation:
    values = {
        "name": name, "protocol": "linear", "data": "shapes", "subset": 0, "step": 57, "epoch": 3.0,
        "checkpoint": "c" * 64, "encoder": "e" * 64, "frozen": True, "classes": ["disc", "ring", "star"],
        "train_images": 90, "test_images": 15, "hyperparameters": {"epochs": 90, "rates": [0.1, 1.0]},
        "results": [SeedResult(seed=i, top1=value, chosen={"lr": 0.1}, validation=0.5) for i, value in enumerate(top1)],
        "confusion": CONFUSION, "device": "CPU", "precision": "fp32", "versions": {"torch": "2"}, "seconds": 1.5,
        "wall": 1.0,
    }  # fmt: skip
    return Evaluation(**(values | changes))


def test_what_was_saved_is_read(tmp_path):
    run = make_run(tmp_path, "run1")
    assert read_evaluations(run.paths) == []
    saved = [evaluation(name) for name in ("knn", "linear")]
    for found in reversed(saved):
        save_evaluation(run.paths, found)
    assert read_evaluations(run.paths) == saved
    save_evaluation(run.paths, evaluation("knn", (0.9,)))
    assert read_evaluation(run.paths, "knn").top1 == 0.9
    assert [path.name for path in run.paths.evaluations.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    "damage",
    [
        b"", b"{", b'{"name": "linear"}', b"\xff\xfe", b"[" * 100_000,
        lambda text: text.replace('"format": 1', '"format": 2'),
        lambda text: text.replace('"name": "linear"', '"name": "other"'),
        lambda text: text.replace('"step": 57', '"step": "many"'),
        lambda text: json.dumps(json.loads(text) | {"results": []}),
    ],
)  # fmt: skip
def test_a_damaged_result_is_passed_over(tmp_path, damage):
    run = make_run(tmp_path, "run1")
    save_evaluation(run.paths, evaluation("knn"))
    path = save_evaluation(run.paths, evaluation("linear"))
    path.write_bytes(damage if isinstance(damage, bytes) else damage(path.read_text()).encode())
    assert [found.name for found in read_evaluations(run.paths)] == ["knn"]
    assert Catalog(Store(tmp_path)).rows()[0]["linear"] is None


def test_a_field_of_a_later_version_does_no_harm(tmp_path):
    run = make_run(tmp_path, "run1")
    path = save_evaluation(run.paths, evaluation())
    path.write_text(json.dumps(json.loads(path.read_text()) | {"later": [1]}))
    assert read_evaluations(run.paths) == [evaluation()]


def test_figures_are_means_and_sample_deviations_over_the_seeds():
    values = (0.5, 0.6, 0.9)
    found = evaluation(top1=values)
    assert found.top1 == pytest.approx(2 / 3)
    assert found.top1_std == pytest.approx(statistics.stdev(values))
    assert found.top1_std == pytest.approx(0.2081666)
    assert evaluation().top1_std is None
    assert (found.top5, found.top5_std) == (None, None)
    assert found.per_class == [0.8, 0.6, None]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("linear", "cifar10", 0, ("cifar10", 0)), "linear"),
        (("linear", "cifar10", 500, ("cifar10", 500)), "linear"),
        (("linear", "cifar100", 0, ("cifar10", 0)), "linear-on-cifar100"),
        (("knn", "cifar10", 500, ("cifar10", 0)), "knn-on-cifar10-500"),
        (("finetune-1pct", "cifar10", 0, ("cifar10", 0), 57), "finetune-1pct-step-57"),
    ],
)
def test_only_the_runs_own_images_and_newest_checkpoint_take_the_short_name(arguments, name):
    protocol, data, subset, own, *older_step = arguments
    assert result_name(protocol, data, subset, own=own, older_step=next(iter(older_step), None)) == name


def test_the_name_of_a_folder_is_a_file_name_and_its_own():
    names = {result_name("knn", f"folder:/a/{part}", 0, own=("shapes", 0)) for part in ("b", "b/c", "../d")}
    assert len(names) == 3
    assert all("/" not in name and name.startswith("knn-on-folder-") for name in names)


def test_the_catalog_notices_an_evaluation_and_can_be_asked_for_it(tmp_path):
    run = make_run(tmp_path, "run1")
    make_run(tmp_path, "run2")
    catalog = Catalog(Store(tmp_path))
    assert [row["linear"] for row in catalog.rows()] == [None, None]
    save_evaluation(run.paths, evaluation(top1=(0.5, 0.7)))
    save_evaluation(run.paths, evaluation("finetune-1pct", (0.25,)))
    save_evaluation(run.paths, evaluation("linear-on-cifar100", (0.1,)))
    rows = catalog.rows()
    assert (rows[0]["linear"], rows[0]["finetune_1"], rows[0]["finetune_10"]) == (pytest.approx(0.6), 0.25, None)
    assert [row["name"] for row in rows if parse_filter("linear>0.5")(row)] == ["run1"]
    stored = sqlite3.connect(catalog.path).execute("select linear, finetune_1 from runs order by name").fetchall()
    assert stored == [(pytest.approx(0.6), 0.25), (None, None)]
    (run.paths.evaluations / "linear.json").unlink()
    assert catalog.rows()[0]["linear"] is None


def test_compare_has_a_row_for_linear(tmp_path):
    runs = [make_run(tmp_path, name, {"temp": temp}) for name, temp in (("a", 0.1), ("b", 0.2), ("c", 0.5))]
    for run, top1 in zip(runs, (0.5, 0.7), strict=False):
        save_evaluation(run.paths, evaluation(top1=(top1,), test_images=1500))
    row = next(row for row in compare(runs).measures if row.name == "linear top-1")
    assert (row.values, row.unit, row.better) == ((0.5, 0.7, None), "share", 1)


def test_compare_has_a_row_for_every_evaluation_that_some_run_has(tmp_path):
    runs = [make_run(tmp_path, name, {"seed": seed}) for seed, name in enumerate("abc")]
    for run, top1, digest in zip(runs, (0.3, 0.4), ("then", "now"), strict=False):
        for stem in ("knn", "finetune-10pct"):
            found = evaluation(
                name=stem, protocol=stem.split("-")[0], top1=(top1,), test_images=3000, test_digest=digest
            )
            save_evaluation(run.paths, found)
    compared = compare(runs)
    rows = {row.name: row for row in compared.measures if row.name.startswith("eval ")}
    assert {name: (row.values, row.better) for name, row in rows.items()} == {
        "eval knn": ((0.3, 0.4, None), None), "eval finetune-10pct": ((0.3, 0.4, None), None)
    }  # fmt: skip
    of = [row.name for row in compared.measures].index
    spreads = compared.seeds[0].spreads
    assert [spreads[of(name)] for name in rows] == [None, None], "no mean over other test images"


def test_people_read_the_spread_and_the_matrix():
    assert evaluation().words == "50.0% (step 57)"
    assert evaluation(top1=(0.5, 0.6)).words == "55.0 ± 7.1% (step 57, 2 seeds)"
    lines = confusion_lines(evaluation(classes=["disc", "\x1b[31mring", "star"]))
    assert [line.split()[-3:] for line in lines[2:]] == [["80", "20", "·"], ["20", "60", "20"], ["·", "·", "·"]]
    assert not any("\x1b" in line for line in lines)


def test_of_many_classes_the_worst_pairs_are_told():
    confusion = [[10 if i == j else 0 for j in range(30)] for i in range(30)]
    confusion[3][7], confusion[4][8] = 30, 10
    lines = confusion_lines(evaluation(classes=[f"c{i}" for i in range(30)], confusion=confusion))
    assert [line.split() for line in lines[1:]] == [
        ["75.0%", "of", "c3", "predicted", "as", "c7"],
        ["50.0%", "of", "c4", "predicted", "as", "c8"],
    ]
