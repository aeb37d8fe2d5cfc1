"""The code of each protocol; what the protocols are stands in `store/protocols.py`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from simclr_tui.evaluate.context import Context, Outcome
from simclr_tui.evaluate.protocols.finetune import finetune
from simclr_tui.evaluate.protocols.knn import knn
from simclr_tui.evaluate.protocols.linear import linear
from simclr_tui.evaluate.protocols.linear_aug import linear_aug
from simclr_tui.evaluate.protocols.logreg import logreg
from simclr_tui.store.protocols import Protocol

Measure = Callable[[Context, int], Outcome]
"""Judge the context's encoder with one seed."""
_FROZEN: dict[str, Measure] = {"knn": knn, "linear": linear, "linear-aug": linear_aug, "logreg": logreg}


def measure_of(protocol: Protocol) -> Measure:
    """Return the function that measures a protocol."""
    return _FROZEN[protocol.name] if protocol.frozen else partial(finetune, share=protocol.labels)
