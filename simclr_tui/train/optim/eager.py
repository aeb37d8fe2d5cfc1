"""Spare a run the import of torch's compiler, which torch's optimisers ask for and which takes as long as torch."""

from __future__ import annotations

import inspect
from typing import TypeVar

import torch
from torch.optim import Optimizer

Kind = TypeVar("Kind", bound=type[Optimizer])

# torch wraps these so that a compiled function leaves them out, and imports the compiler at the first call of any.
_WRAPPED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


def eager(kind: Kind) -> Kind:
    """Return a subclass that does the same to the bit and never imports `torch._dynamo`.

    It must not be called from within a compiled function. Where a later torch wraps other methods, the compiler is
    imported as before.
    """
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in _WRAPPED}
    methods["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), methods)  # type: ignore[return-value]
