"""The table of protocols, by the names of their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from simclr_tui.evaluate.context import Context, Outcome
from simclr_tui.evaluate.protocols.finetune import finetune
from simclr_tui.evaluate.protocols.knn import knn
from simclr_tui.evaluate.protocols.linear import linear
from simclr_tui.evaluate.protocols.linear_aug import linear_aug
from simclr_tui.evaluate.protocols.logreg import logreg


@dataclass(frozen=True)
class Protocol:
    """A protocol's `measure(context, seed)`.

    `frozen`: the encoder may not change. `seeded`: seeds give different results.
    """

    name: str
    measure: Callable[[Context, int], Outcome]
    frozen: bool = True
    seeded: bool = True


_ALL = (
    Protocol("knn", knn, seeded=False),
    Protocol("linear", linear),
    Protocol("linear-aug", linear_aug),
    Protocol("logreg", logreg),
    Protocol("finetune-1pct", partial(finetune, share=0.01), frozen=False),
    Protocol("finetune-10pct", partial(finetune, share=0.1), frozen=False),
    Protocol("finetune-100pct", partial(finetune, share=1.0), frozen=False),
)
PROTOCOLS = {protocol.name: protocol for protocol in _ALL}
