"""The evaluation protocols, declared once: their names, what each does and what it may change.

The control plane offers them from this list; `evaluate/protocols/table.py` has the code of each.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Declare one way to evaluate an encoder. `name` also names its result; `about` says what it does.

    `frozen`: the encoder may not change. `seeded`: different seeds give different results. `labels`: the fraction of
    the training labels that it uses, 0–1. `usual`: evaluated if no protocol was named.
    """

    name: str
    about: str
    frozen: bool = True
    seeded: bool = True
    labels: float = 1.0
    usual: bool = False

    @property
    def finetunes(self) -> bool:
        """Return whether the encoder is trained too; such a protocol is selected by its share of the labels."""
        return not self.frozen

    @property
    def share(self) -> str:
        """Return the share of the labels as a person writes it: `10%`."""
        return f"{100 * self.labels:g}%"


_ALL = (
    Protocol(name="knn", about="nearest neighbours of h: seconds", seeded=False, usual=True),
    Protocol(name="linear", about="linear probe on features computed once", usual=True),
    Protocol(name="linear-aug", about="linear probe trained with crop and flip, as in the paper"),
    Protocol(name="logreg", about="logistic regression by L-BFGS"),
    Protocol(name="finetune-1pct", about="train everything on 1% of the labels", frozen=False, labels=0.01),
    Protocol(name="finetune-10pct", about="train everything on 10% of the labels", frozen=False, labels=0.1),
    Protocol(name="finetune-100pct", about="train everything on all labels", frozen=False),
)

PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in _ALL}
"""Every protocol by name, in the order in which they are offered."""


def usual_protocols() -> list[str]:
    """Return the names of the protocols that are evaluated if none was named."""
    return [protocol.name for protocol in PROTOCOLS.values() if protocol.usual]
