"""Read the tensors of a weights file from anywhere: as numbers, never as code.

A checkpoint of another program is a pickle that may name any class. Where torch's own safe reader refuses it, it is
read once more by an unpickler that builds tensors and puts an inert placeholder where anything else is named.
"""

from __future__ import annotations

import pickle
import types
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from simclr_tui.errors import CheckpointError
from simclr_tui.store.export.target import not_installed
from simclr_tui.text import reason, safe

_UNREADABLE = (
    RuntimeError,
    ValueError,
    EOFError,
    KeyError,
    IndexError,
    AttributeError,
    TypeError,
    pickle.UnpicklingError,
)
_DEPTH = 12  # dictionaries within one another: deeper ones hold no weights


@dataclass(frozen=True)
class WeightsFile:
    """Hold the tensors of a file by their dotted names, and the words of its metadata (safetensors alone has some)."""

    path: Path
    tensors: dict[str, Tensor]
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return safe(self.path.name)


def read_weights(path: Path) -> WeightsFile:
    """Read a .safetensors file or one that torch.save wrote. Raises CheckpointError where it holds no tensors."""
    try:
        found = _read_safetensors(path) if path.suffix == ".safetensors" else WeightsFile(path, _read_pickle(path))
    except OSError as error:
        raise CheckpointError(f"cannot read {safe(str(path))}: {error.strerror}", "give a file of weights") from None
    if not found.tensors:
        raise CheckpointError(f"{found.name} holds no tensors", "give a state dict: .safetensors, .pt, .pth or .ckpt")
    return found


def _read_safetensors(path: Path) -> WeightsFile:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise not_installed("safetensors", "a .safetensors file", "safetensors") from None
    try:
        with safe_open(path, "pt") as file:
            return WeightsFile(path, {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {})  # noqa: SIM118
    except SafetensorError as error:
        raise CheckpointError(f"{safe(path.name)} is damaged: {reason(error)}", "fetch the file again") from None


def _read_pickle(path: Path) -> dict[str, Tensor]:
    if _is_torchscript(path):  # which torch would run
        raise CheckpointError(f"{safe(path.name)} is a TorchScript program, not weights", "save its state_dict()")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE:
        content = _read_inert(path)
    return dict(_flatten("", content, _DEPTH))


def _read_inert(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=False, pickle_module=_INERT_PICKLE)
    except _UNREADABLE as error:
        raise CheckpointError(
            f"{safe(path.name)} cannot be read as weights: {reason(error)}", "give .safetensors, .pt, .pth or .ckpt"
        ) from None


def _is_torchscript(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def _flatten(prefix: str, value: Any, depth: int) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield prefix, value.detach()
    elif isinstance(value, Mapping) and depth:
        for key, inner in value.items():
            if isinstance(key, str):
                yield from _flatten(f"{prefix}.{key}" if prefix else key, inner, depth - 1)


class Inert:
    """Stand in for an object of a class that is not to be built: takes whatever it is given and does nothing."""

    def __new__(cls, *_values: object, **_named: object) -> Inert:
        return super().__new__(cls)

    def __init__(self, *_values: object, **_named: object) -> None:
        pass

    def __call__(self, *_values: object, **_named: object) -> Inert:
        return self

    def __setstate__(self, _state: object) -> None:
        pass

    def __setitem__(self, _key: object, _value: object) -> None:
        pass

    def append(self, _value: object) -> None:
        pass

    extend = add = append


_TENSORS: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor"): torch._utils._rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
    ("torch", "Size"): torch.Size,
}
"""What a pickle may name and get: what tensors and dictionaries of them are made of."""


class InertUnpickler(pickle.Unpickler):
    """Unpickle, resolving the names in `_TENSORS` and torch's types of numbers, and no others."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _TENSORS:
            return _TENSORS[module, name]
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
            return getattr(torch, name)
        return Inert


_INERT_PICKLE = types.ModuleType("inert_pickle")
_INERT_PICKLE.__dict__.update(Unpickler=InertUnpickler, load=lambda file, **_words: InertUnpickler(file).load())
