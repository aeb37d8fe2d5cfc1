"""What stands beside a kNN accuracy: of a run, and of an evaluation."""

from __future__ import annotations

from simclr_tui.display.knn_words import describe_knn, knn_facts
from tests.store.test_evaluations import evaluation

FACTS = {
    "knn_on": "validation", "knn_images": 12, "knn_k": 120, "knn_bank": 120, "knn_smallest_class": 60, "chance": 0.5,
    "largest_class": 0.5,
}  # fmt: skip


def test_a_knn_accuracy_stands_with_what_it_was_measured_by():
    words = describe_knn(FACTS | {"knn_k": 60})
    assert words == (
        "k 60 of 120 labelled images by cosine, weighted, on 12 validation images; chance 50.0%, largest class 50.0%"
    )
    assert " by cosine, unweighted, on " in describe_knn(FACTS | {"knn_weights": "equal"})
    assert " on 12 validation images (the middle 87.5% of each side); chance" in describe_knn(
        FACTS | {"eval_crop": 0.875}
    )
    assert " on 12 validation images (val/); chance" in describe_knn(FACTS | {"knn_split": "val/"})
    assert describe_knn({}) == "", "a run of 0.1 did not say"


def test_k_beyond_the_smallest_class_is_said_beside_the_figure():
    assert describe_knn(FACTS).endswith("; k exceeds the smallest class, 60 images: --knn-k 60 or fewer")


def test_an_evaluation_says_the_same_of_the_test_images():
    knn = {"protocol": "knn", "hyperparameters": {"k": 20, "weights": "equal"}, "smallest_class": 5}
    assert describe_knn(knn_facts(evaluation("knn", **knn))) == (
        "k 20 of 90 labelled images by cosine, unweighted, on 15 test images; chance 50.0%, largest class 66.7%;"
        " k exceeds the smallest class, 5 images: --knn-k 5 or fewer"
    )
    cropped = knn | {"hyperparameters": knn["hyperparameters"] | {"eval_crop": 0.875}}
    assert "(the middle 87.5% of each side)" in describe_knn(knn_facts(evaluation("knn", **cropped)))
    older = describe_knn(knn_facts(evaluation("knn", **(knn | {"smallest_class": 0}))))
    assert older.endswith("largest class 66.7%"), "an older result does not know"
    assert knn_facts(evaluation("linear")) == {}


def test_balanced_accuracy_is_the_mean_over_the_classes_that_have_test_images():
    found = evaluation("knn")
    assert found.balanced == (8 / 10 + 3 / 5) / 2
    even = evaluation("knn", confusion=[[8, 2, 0], [5, 5, 0], [0, 0, 10]])
    assert even.balanced is None, "the accuracy says it already"
