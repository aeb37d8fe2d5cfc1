"""`simclr show`: what stands beside a kNN accuracy."""

from __future__ import annotations

from simclr_tui.cli.commands.show import _knn_measured

FACTS = {
    "knn_on": "validation", "knn_images": 12, "knn_k": 120, "knn_bank": 120, "knn_smallest_class": 60, "chance": 0.5,
    "largest_class": 0.5,
}  # fmt: skip


def test_a_knn_accuracy_stands_with_what_it_was_measured_by():
    words = _knn_measured(FACTS | {"knn_k": 60})
    assert words == (
        "k 60 of 120 labelled images by cosine, weighted, on 12 validation images; chance 50.0%, largest class 50.0%"
    )
    assert " by cosine, unweighted, on " in _knn_measured(FACTS | {"knn_weights": "equal"})
    assert _knn_measured({}) == "", "a run of 0.1 did not say"


def test_k_beyond_the_smallest_class_is_said_beside_the_figure():
    assert _knn_measured(FACTS).endswith("; k exceeds the smallest class, 60 images: --knn-k 60 or fewer")
