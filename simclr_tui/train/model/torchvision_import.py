"""Import torchvision: the only place that does.

A torchvision wheel built for CUDA fails to import beside a CPU build of torch: its compiled operators cannot load, and
registering their shape rules then fails. Those operators are for detection and not used here, so placeholders are
declared for the missing ones and the import is repeated.
"""

from __future__ import annotations

import importlib
import re
import sys
from types import ModuleType
from typing import Any

import torch

_MISSING = re.compile(r"operator torchvision::(\w+) does not exist")
_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
# Kept for the life of the process: a garbage-collected Library removes its declarations.
_declared: list[Any] = []


def import_torchvision() -> ModuleType:
    """Return torchvision, whatever build of torch is installed. Idempotent.

    It imports torch's compiler and so takes longer than torch itself: call it only where torchvision is needed.
    """
    for _ in range(8):
        try:
            return importlib.import_module("torchvision")
        except RuntimeError as error:
            missing = _MISSING.search(str(error))
            if missing is None:
                raise
            _declare(missing.group(1))
            for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[name]
    return importlib.import_module("torchvision")


def _declare(operator: str) -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")
    library.define(operator + _SIGNATURE)
    _declared.append(library)
