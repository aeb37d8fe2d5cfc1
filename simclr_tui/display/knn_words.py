"""Say in words what a kNN accuracy was measured by, without which its figure says little."""

from __future__ import annotations

from collections.abc import Mapping

from simclr_tui.store.evaluations import Evaluation
from simclr_tui.text import percent, safe

Facts = Mapping[str, str | int | float]
"""What a trainer reports of its kNN: `knn_k`, `knn_bank`, `knn_images` and the like."""


def describe_knn(facts: Facts) -> str:
    """Return k, weights, the images that vote and those asked for, chance, the largest class, and whether k is more
    than the smallest class has; empty where a run did not say."""
    if "knn_bank" not in facts:
        return ""
    chance, largest = (percent(float(facts[name])) for name in ("chance", "largest_class"))
    smallest = facts.get("knn_smallest_class", facts["knn_k"])
    outvoted = int(facts["knn_k"]) > int(smallest)
    warning = f"; k exceeds the smallest class, {smallest} images: --knn-k {smallest} or fewer" if outvoted else ""
    weights = "unweighted" if facts.get("knn_weights") == "equal" else "weighted"
    crop = float(facts.get("eval_crop", 1.0))
    split = f" ({safe(str(facts['knn_split']))})" if "knn_split" in facts else ""
    seen = "" if crop == 1.0 else f" (the middle {percent(crop)} of each side)"
    return (
        f"k {facts['knn_k']} of {facts['knn_bank']:,} labelled images by cosine, {weights}, on {facts['knn_images']:,}"
        f" {facts['knn_on']} images{split}{seen}; chance {chance}, largest class {largest}{warning}"
    )


def knn_facts(found: Evaluation) -> Facts:
    """Return the same facts of an evaluation; empty for one of another protocol."""
    class_sizes = [sum(row) for row in found.confusion if sum(row)]
    if found.protocol != "knn" or "k" not in found.hyperparameters or not class_sizes:
        return {}
    facts: dict[str, str | int | float] = {
        "knn_on": "test",
        "knn_images": found.test_images,
        "knn_k": int(str(found.hyperparameters["k"])),
        "knn_weights": str(found.hyperparameters.get("weights", "similarity")),
        "knn_bank": found.train_images,
        "chance": 1 / len(class_sizes),
        "largest_class": max(class_sizes) / sum(class_sizes),
    }
    if "eval_crop" in found.hyperparameters:
        facts["eval_crop"] = float(str(found.hyperparameters["eval_crop"]))
    return facts | ({"knn_smallest_class": found.smallest_class} if found.smallest_class else {})
