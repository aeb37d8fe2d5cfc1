"""The defaults of each optimiser: a learning rate, its scaling and a weight decay that are known to train with it.

A rate for one optimiser is useless to another: SGD's 0.06 makes Adam collapse, and LARS barely moves at it. So
choosing another optimiser also brings its own values, except for those given by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from simclr_tui.recipe.fields import field
from simclr_tui.recipe.recipe import Recipe

Values = dict[str, float | str]

_SGD: Values = {"lr": 0.03, "lr_scaling": "linear", "weight_decay": 5e-4}  # preset cifar10-sgd, published for SGD
# §B.1, ImageNet: as 0.3·N/256 of §2.2 at N = 4096, and better than it at the small batches that one GPU holds.
_LARS: Values = {"lr": 0.075, "lr_scaling": "sqrt", "weight_decay": 1e-6}
# §B.9: the middle of 0.5, 1.0 and 1.5, for CIFAR-10.
_LARS_SMALL: Values = {"lr": 1.0, "lr_scaling": "linear", "weight_decay": 1e-6}
_ADAM: Values = {"lr": 3e-4, "lr_scaling": "none", "weight_decay": 0.0}  # preset report
_ADAMW: Values = {**_ADAM, "weight_decay": 0.01}  # torch's own decay, which is decoupled from the rate


def optimizer_defaults(optimizer: str, image_size: int) -> Values:
    """Return rate, scaling and decay for an optimiser; the rate of LARS is the paper's for small or large images."""
    lars = _LARS_SMALL if image_size <= 64 else _LARS
    return {"sgd": _SGD, "lars": lars, "adam": _ADAM, "adamw": _ADAMW}[optimizer]


def brought_along(chosen: Mapping[str, Any], before: str, by_hand: Collection[str]) -> Values:
    """Return the fields that an optimiser brings, without those in `by_hand`; none if `before` is the same optimiser.

    `chosen` holds at least `optimizer` and `image_size`, under the recipe's keys. They are not checked yet: invalid
    values are refused later.
    """
    optimizer, side = chosen["optimizer"], chosen["image_size"]
    if optimizer == before or optimizer not in field("optimizer").choices or not isinstance(side, int):
        return {}
    found = optimizer_defaults(optimizer, side)
    return {key: value for key, value in found.items() if key not in by_hand}


def source_of(optimizer: str) -> str:
    """Return the source recorded for a value that an optimiser brought."""
    return f"default of {optimizer}"


def brought_words(recipe: Recipe, sources: Mapping[str, str]) -> str:
    """Return `lr 0.0003, lr_scaling none: defaults of adam`, or '' if the optimiser brought nothing."""
    source = source_of(recipe.optimizer)
    brought = [f"{key} {getattr(recipe, key)}" for key in _SGD if sources.get(key) == source]
    return f"{', '.join(brought)}: defaults of {recipe.optimizer}" if brought else ""


def known_to_fail(recipe: Recipe) -> list[str]:
    """Return a sentence for each combination known to train badly, with the reason and what to do instead."""
    found: list[str] = []
    peak = recipe.peak_lr
    if recipe.optimizer in ("adam", "adamw") and peak > 0.01:
        found.append(
            f"{recipe.optimizer} at a learning rate of {peak:g} commonly collapses, because its steps do not shrink"
            " with the gradient: give --lr 3e-4 --lr-scaling none"
        )
    if recipe.optimizer == "lars" and peak < 0.2:
        found.append(
            f"LARS at a learning rate of {peak:g} hardly learns, because each step changes the weights by only about a"
            " thousandth of that fraction: give --lr 1.0 --lr-scaling linear (0.075, sqrt for large images)"
        )
    if recipe.micro_batch.isdigit() and int(recipe.micro_batch) < min(64, recipe.batch_size):
        found.append(
            f"batch norm sees only {recipe.micro_batch} images at a time, which costs accuracy: give --micro-batch 64"
            " or more, or a smaller --bs without it"
        )
    return found
