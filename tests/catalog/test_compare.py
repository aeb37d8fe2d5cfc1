"""Which run is better, and what was different."""

from __future__ import annotations

import json

import msgspec
import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.compare import Comparison, compare
from simclr_tui.catalog.measures import Measure
from simclr_tui.errors import NotFoundError, SimclrError
from simclr_tui.store.best_run import best_run
from simclr_tui.store.evaluations import save_evaluation
from simclr_tui.store.state import write_state
from simclr_tui.store.store import Store
from tests.run_factory import make_run, metric_line, write_metrics
from tests.store.test_evaluations import evaluation


def measure(comparison: Comparison, name: str) -> Measure:
    return next(row for row in comparison.measures if row.name == name)


def trained(root, name, flags=None, knn=(0.2, 0.5), loss=(5.0, 4.0), **state):
    run = make_run(root, name, flags=flags, **state)
    speed = state.get("summary", {}).get("images_per_s", 1.0)
    steps = [{"loss": value, "gpu_allocated": 1000.0, "images_per_s": speed} for value in loss]
    lines = [metric_line(step, **values) for step, values in enumerate(steps, start=1)]
    lines += [metric_line(100 + step, knn=value) for step, value in enumerate(knn)]
    write_metrics(run.paths, 1, lines)
    return run


def test_the_best_of_each_measure_is_named(tmp_path):
    first = trained(
        tmp_path,
        "a",
        {"lr": 0.1},
        knn=(0.2, 0.9, 0.6),
        loss=(5.0, 3.0, 4.0),
        summary={"images_per_s": 100.0},
        time=50.0,
    )
    second = trained(
        tmp_path, "b", knn=(0.3, 0.7), loss=(5.0, 3.5), summary={"images_per_s": 300.0}, time=20.0, elapsed=60.0
    )
    found = compare([first, second])
    assert found.differences == {"lr": [0.1, 0.3]}
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
    other = compare([trained(tmp_path, "c"), trained(tmp_path, "d", {"lr": 0.9}, loss=(1.0,))])
    assert measure(other, "loss").better == 1


def test_a_tie_has_no_winner_and_a_third_can_still_win(tmp_path):
    values = {"a": 0.5, "b": 0.5, "c": 0.6}
    runs = [trained(tmp_path, name, {"lr": 0.1 + value + ord(name)}, (value,)) for name, value in values.items()]
    assert measure(compare(runs[:2]), "knn").better is None
    assert measure(compare(runs), "knn").better == 2
    assert measure(compare([*runs[:2], trained(tmp_path, "d", knn=(0.4,))]), "knn").better is None


def test_what_was_never_measured_neither_wins_nor_loses(tmp_path):
    bare = make_run(tmp_path, "bare")
    gaps = trained(tmp_path, "gaps", {"lr": 0.5}, knn=(None, None), loss=(None,))
    good, better = trained(tmp_path, "good", {"lr": 0.1}, (0.5,)), trained(tmp_path, "better", {"lr": 0.2}, (0.6,))
    found = compare([bare, gaps, good, better])
    assert measure(found, "knn").values == (None, None, 0.5, 0.6)
    assert measure(found, "knn").better == 3
    assert measure(compare([bare, good]), "knn").better is None, "one value alone wins nothing"
    assert measure(compare([bare, gaps]), "loss").values == (None, None)
    json.dumps(found.as_json(), allow_nan=False)


def test_the_json_form_names_runs(tmp_path):
    found = compare([trained(tmp_path, "a", knn=(0.5,)), trained(tmp_path, "b", {"lr": 0.1}, knn=(0.6,))]).as_json()
    assert found["runs"] == ["a", "b"]
    assert found["states"] == ["finished", "finished"]
    assert found["differences"] == {"lr": [0.3, 0.1]}
    assert found["measures"]["knn"] == {"values": [0.5, 0.6], "unit": "%", "better": "b"}
    assert found["measures"]["steps"]["better"] is None


def test_a_run_that_cannot_be_read_is_an_error_in_a_sentence(tmp_path):
    good, bad = make_run(tmp_path, "good"), make_run(tmp_path, "bad")
    bad.paths.recipe.unlink()
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
    assert rows["kNN accuracy"] == (["50.0 ± 10.0%", "80.0%"], None), (
        "one run lies within what a fourth seed might reach"
    )
    half = 4.302653 * 0.1 / 3**0.5  # Student's t at two degrees of freedom
    assert found.as_json()["seeds"][0]["measures"]["knn"] == {
        "mean": pytest.approx(0.5),
        "std": pytest.approx(0.1),
        "n": 3,
        "interval": [pytest.approx(0.5 - half), pytest.approx(0.5 + half)],
        "better": False,
    }


def test_runs_that_differ_in_more_than_the_seed_stay_apart(tmp_path):
    found = compare([trained(tmp_path, "a"), trained(tmp_path, "b", {"seed": 1, "lr": 0.01})])
    assert not found.repeated
    assert [group.places for group in found.seeds] == [(0,), (1,)]


def test_what_does_not_change_the_result_is_no_difference(tmp_path):
    flags = [{"device": "cpu", "threads": 1}, {"device": "cuda", "threads": 2, "checkpoint_every": 7, "seed": 1}]
    found = compare([trained(tmp_path, name, given) for name, given in zip("ab", flags, strict=True)])
    assert found.differences == {"seed": [0, 1]}
    assert [group.places for group in found.seeds] == [(0, 1)]


def test_a_run_named_twice_counts_once(tmp_path):
    run, other = trained(tmp_path, "a"), trained(tmp_path, "b", {"lr": 0.1})
    assert [one.name for one in compare([run, other, run]).runs] == ["a", "b"]


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"state": "stopped"}, "stopped"), ({"state": "failed", "flags": ("diverged",)}, "diverged"),
        ({"flags": ("collapsed",)}, "collapsed"), ({"state": "queued"}, "queued"),
    ],
)  # fmt: skip
def test_a_run_that_did_not_finish_in_health_is_neither_averaged_nor_crowned(tmp_path, state, why):
    bad = trained(tmp_path, "bad", {"seed": 2}, knn=(0.99,), state=state.get("state", "finished"))
    write_state(bad.paths, msgspec.structs.replace(bad.status, flags=state.get("flags", ())))
    runs = [trained(tmp_path, name, {"seed": seed}, knn=(0.5 + seed / 100,)) for seed, name in enumerate("ab")]
    other = trained(tmp_path, "c", {"lr": 0.1}, knn=(0.2,))
    found = compare([*runs, bad, other])
    place = [row.name for row in found.measures].index("knn")
    assert found.seeds[0].spreads[place].mean == pytest.approx(0.505)
    assert found.group_title(found.seeds[0]) == "a, b, bad (2 of 3 seeds)"
    assert found.over_seeds[place].winner == 0
    assert found.verdicts[0] == f"Not averaged and not ranked: bad ({why})."
    alone = compare([runs[0], bad, other])
    assert alone.as_json()["left_out"] == {"bad": why}


@pytest.mark.parametrize(
    ("flags", "metric", "named"),
    [
        ({"temp": 0.1}, "loss", "temp"), ({"objective": "dcl"}, "loss", "objective"), ({"gray": 0.9}, "loss", "gray"),
        ({"bs": 512}, "loss", "bs"), ({"augment": "crop"}, "loss", "augment"), ({"subset": 100}, "loss", "subset"),
        ({"data": "cifar100"}, "knn", "data"), ({"subset": 100}, "knn", "subset"), ({"knn_k": 5}, "knn", "knn_k"),
        ({"knn_weights": "equal"}, "knn", "knn_weights"), ({"eval_crop": 0.875}, "knn", "eval_crop"),
    ],
)  # fmt: skip
def test_what_was_measured_differently_has_no_winner_and_a_sentence_says_why(tmp_path, flags, metric, named):
    runs = [trained(tmp_path, "a", knn=(0.2,), loss=(9.0,)), trained(tmp_path, "b", flags, knn=(0.9,), loss=(1.0,))]
    found = compare(runs)
    assert measure(found, metric).better is None
    assert any("no winner" in words and named in words for words in found.verdicts), found.verdicts


def test_accuracies_on_other_numbers_of_images_of_the_same_data_are_not_compared(tmp_path):
    """As between a run on a tenth of the training images, and one on the validation split that was added since."""
    facts = ({"knn_images": 1000}, {"knn_images": 400})
    runs = [
        trained(tmp_path, name, {"lr": knn}, knn=(knn,), facts=found, summary={"knn": knn})
        for name, knn, found in zip("ab", (0.2, 0.9), facts, strict=True)
    ]
    found = compare(runs)
    assert measure(found, "knn").better is None
    assert any("no winner" in words and "knn_images" in words for words in found.verdicts), found.verdicts
    with pytest.raises(NotFoundError, match=r"differ in knn_images — name one: the best of each are b \(400\), a \("):
        best_run(runs)


@pytest.mark.parametrize(
    ("changed", "judged"),
    [({}, {"knn", "linear top-1"}), ({"validation_digest": "d"}, {"linear top-1"}), ({"test_digest": "d"}, {"knn"})],
    ids=["the same", "other validation images", "other test images"],
)
def test_accuracies_on_other_held_out_images_of_the_same_data_are_not_compared(tmp_path, changed, judged):
    """As many as before, under the same names of data: files were replaced between the two runs."""
    before = {"validation_digest": "a", "test_digest": "b"}
    digests = {"a": before, "b": before | changed, "c": {}}  # of c they are unknown
    runs = []
    for (name, known), top1 in zip(digests.items(), (0.2, 0.9, 0.1), strict=True):
        run = trained(tmp_path, name, {"lr": top1}, knn=(top1,), summary={"knn": top1}, facts=known)
        runs.append(run)
        save_evaluation(run.paths, evaluation(top1=(top1,), confusion=[[900, 900], [900, 900]], test_images=3600))
    found = compare(runs)
    assert {name for name in ("knn", "linear top-1") if measure(found, name).better == 1} == judged
    assert {name for name in ("knn", "linear top-1") if measure(found, name).comparable} == judged
    refused = [words for words in found.verdicts if "because the runs differ in held-out images" in words]
    assert len(refused) == len(changed)
    if "validation_digest" in changed:
        with pytest.raises(
            NotFoundError, match=r"differ in held-out images — name one: the best of each are b \(d\), a \("
        ):
            best_run(runs)
    else:
        assert best_run(runs).name == "b"


def test_runs_on_images_without_labels_have_no_winner_and_a_sentence_says_what_would_tell(tmp_path):
    health = {"rank_h": 30.0, "alignment": 0.2, "uniformity": -2.0}
    runs = [trained(tmp_path, name, {"lr": rate}, knn=(), facts={"classes": 0}, summary=health)
            for name, rate in (("a", 0.1), ("b", 0.2))]  # fmt: skip
    assert compare(runs).verdicts[-1].startswith("No labels, so no winner: rank, alignment and uniformity tell whether")
    labelled = trained(tmp_path, "c", {"lr": 0.3}, facts={"classes": 10})
    assert not any("No labels" in words for words in compare([*runs, labelled]).verdicts)
    assert not any("No labels" in words for words in compare(runs[:1]).verdicts)


def test_two_single_runs_within_two_standard_errors_are_not_told_apart(tmp_path):
    facts = {"test_images": 1000}  # two standard errors of the difference at 50%: 4.5 points
    for other, better in ((0.54, None), (0.55, 1)):
        runs = [
            trained(tmp_path / str(other), "a", {"lr": 0.1}, knn=(0.5,), facts=facts),
            trained(tmp_path / str(other), "b", {"lr": 0.2}, knn=(other,), facts=facts),
        ]
        found = compare(runs)
        assert measure(found, "knn").better == better
        (words,) = [words for words in found.verdicts if words.startswith("kNN")]
        assert ("cannot be told apart" in words) == (better is None)
        assert "1,000 images" in words


def test_recipes_of_several_seeds_are_told_apart_by_pairs_of_seeds(tmp_path):
    """Each seed is better by about a point, and the seeds lie ten points apart: only pairs show it."""
    values = {"a": (0.50, 0.60, 0.70), "b": (0.51, 0.612, 0.709)}
    runs = [
        trained(tmp_path, f"{name}{seed}", {"lr": 0.1 if name == "a" else 0.2, "seed": seed}, knn=(value,))
        for name, found in values.items()
        for seed, value in enumerate(found)
    ]
    found = compare(runs)
    place = [row.name for row in found.measures].index("knn")
    assert found.over_seeds[place].winner == 1
    assert "3 seeds in pairs" in found.over_seeds[place].words
    assert measure(found, "knn").better is None, "no seed alone is crowned"


def test_speed_has_a_winner_on_one_machine_only(tmp_path):
    for device, better in (("CPU, 1 threads", 1), ("NVIDIA", None)):
        root = tmp_path / device.replace(" ", "")
        first = trained(root, "a", {"lr": 0.1}, summary={"images_per_s": 1.0}, facts={"device": "CPU, 1 threads"})
        second = trained(root, "b", {"lr": 0.2}, summary={"images_per_s": 2.0}, facts={"device": device})
        assert measure(compare([first, second]), "images/s").better == better


def test_results_of_eval_are_told_apart_by_the_test_images_that_there_were_then(tmp_path):
    """Between two results of runs that were trained before, a test image was replaced."""
    runs = []
    for name, top1, digest in (("a", 0.2, "then"), ("b", 0.9, "now"), ("c", 0.5, "now")):
        run = trained(
            tmp_path, name, {"lr": top1}, knn=(top1,), facts={"test_digest": "then", "validation_digest": "v"}
        )
        result = evaluation(top1=(top1,), confusion=[[900, 900], [900, 900]], test_images=3600, test_digest=digest)
        save_evaluation(run.paths, result)
        runs.append(run)
    assert measure(compare(runs), "linear top-1").better is None
    assert measure(compare(runs), "knn").better == 1
    assert measure(compare(runs[1:]), "linear top-1").better == 0
    assert [row["linear_digest"] for row in Catalog(Store(tmp_path)).rows()] == ["then", "now", "now"]


def test_seeds_that_were_measured_on_other_images_have_no_mean_and_a_sentence_says_so(tmp_path):
    runs = [
        trained(
            tmp_path, name, {"seed": seed}, knn=(0.2 + seed / 10,), loss=(5.0,), facts={"validation_digest": digest}
        )
        for seed, (name, digest) in enumerate((("a", "then"), ("b", "now"), ("c", "now")))
    ]
    found = compare(runs)
    titles = [title for title, *_ in found.group_rows()]
    assert ("kNN accuracy" in titles, "loss" in titles) == (False, True)
    assert [words for words in found.verdicts if "no mean over a, b, c, which differ in held-out images" in words]
    again = compare(runs[1:])
    assert "kNN accuracy" in [title for title, *_ in again.group_rows()]
    assert not [words for words in again.verdicts if "no mean" in words]
