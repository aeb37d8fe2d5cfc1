"""Export the encoder as ONNX, checked against torch before it is written."""

from __future__ import annotations

import importlib
import logging
import warnings

import numpy as np
import torch
from torch import Tensor

from simclr_tui.errors import SimclrError
from simclr_tui.store.export.target import not_installed
from simclr_tui.tasks.model_card import ModelCard
from simclr_tui.train.model.encoder import Encoder

TOLERANCE = 1e-4  # of h, absolute and relative
_BATCHES = (1, 3)
_LARGEST = 2 * 10**9  # bytes, the limit of a protocol buffer


def as_onnx(encoder: Encoder, card: ModelCard) -> bytes:
    """Return the ONNX model from `images` (n, C, S, S) to `h` (n, dim), n dynamic.

    Raises SimclrError where a package is missing, the model is too large or onnxruntime computes a different h.
    """
    weights = sum(tensor.nbytes for tensor in encoder.state_dict().values())
    if weights > _LARGEST:
        raise SimclrError("the encoder is larger than the 2 GB of an ONNX file", "give a .safetensors file")
    _need_packages()
    data = _exported(encoder, card)
    _compare(data, encoder, card)
    return data


def _need_packages() -> None:
    """Fail before the work if a package is missing."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        try:
            importlib.import_module(package)
        except ImportError:
            raise not_installed(package, "an .onnx file", "onnx") from None


def _exported(encoder: Encoder, card: ModelCard) -> bytes:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own warnings, useless to the user
        try:
            program = _traced(encoder, card.recipe.image_size)
        except torch.onnx.OnnxExporterError as error:
            raise SimclrError(f"torch cannot put {card.recipe.encoder} into ONNX", "give .safetensors") from error
    model = program.model_proto
    for key, value in card.metadata().items():
        model.metadata_props.add(key=key, value=value)
    data: bytes = model.SerializeToString()
    return data


def _traced(encoder: Encoder, side: int) -> torch.onnx.ONNXProgram:
    program = torch.onnx.export(
        encoder,
        (torch.zeros(2, encoder.channels, side, side),),
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("n")},),
        input_names=["images"],
        output_names=["h"],
        verbose=False,
    )
    assert program is not None
    return program


@torch.no_grad()
def _compare(data: bytes, encoder: Encoder, card: ModelCard) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    side = card.recipe.image_size
    for batch in _BATCHES:
        images: Tensor = torch.rand(batch, encoder.channels, side, side, generator=torch.Generator().manual_seed(batch))
        h, expected = session.run(["h"], {"images": images.numpy()})[0], encoder(images).numpy()
        if h.shape != expected.shape or not np.allclose(h, expected, atol=TOLERANCE, rtol=TOLERANCE):
            raise SimclrError("onnxruntime computes a different h than torch", "nothing was written; give .safetensors")
