"""Read DICOM images by pydicom: stored values through the rescale to the modality's own units, Hounsfield for CT."""

from __future__ import annotations

from typing import Any

import numpy as np

from simclr_tui.errors import DataError
from simclr_tui.interpreter import install_command
from simclr_tui.recipe.file_content import head_of, image_kind
from simclr_tui.recipe.image_headers import Header
from simclr_tui.text import safe
from simclr_tui.train.data.readers.protocol import File, Values, opened

_PALETTE = "PALETTE COLOR"
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", _PALETTE)
"""Photometric interpretations that come to RGB."""


def header(file: File) -> Header:
    """Return what the data set's attributes say. Raises DataError where it holds no image."""
    dataset = _dataset(file, stop_before_pixels=True)
    if "Rows" not in dataset:
        raise DataError("a DICOM file without an image", "take it out of the data")
    meaning = dataset.PhotometricInterpretation
    colour = int(dataset.get("SamplesPerPixel", 1)) > 1 or meaning == _PALETTE
    if colour and meaning not in _COLOURS:
        raise DataError(f"a DICOM image whose colours are {safe(meaning)}", "convert it to RGB or grey")
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    if colour and frames > 1:
        raise DataError(f"a DICOM film of {frames:,} frames in colour", "save its frames as images")
    bits = int(dataset.RedPaletteColorLookupTableDescriptor[2] if meaning == _PALETTE else dataset.get("BitsStored", 8))
    width, height, channels = int(dataset.Columns), int(dataset.Rows), 3 if colour else frames
    dtype = ("uint8" if bits <= 8 else "uint16") if colour else _dtype(dataset)
    stored = "" if colour else _stored(dataset, dtype)
    return Header(
        "DICOM", width, height, channels, dtype, bits, pages=frames, plain=False, stored=stored, colours=colour
    )


def values(file: File, header: Header, at_least: int) -> Values:
    """Return the image, (H, W, C), frames as channels; where low values mean white (MONOCHROME1) it is turned round.

    Raises DataError where its compression needs a plugin of pydicom, or is not told.
    """
    from pydicom.pixels.processing import apply_color_lut, apply_rescale

    dataset = _dataset(file)
    _name_transfer_syntax(dataset)
    try:
        stored = dataset.pixel_array
    except (RuntimeError, NotImplementedError) as error:
        if "missing" in str(error) or "plugin" in str(error).lower() or isinstance(error, NotImplementedError):
            syntax = dataset.file_meta.TransferSyntaxUID.name
            raise DataError(f"a DICOM image compressed as {syntax}", install_command("pylibjpeg[all]")) from None
        raise
    meaning = dataset.PhotometricInterpretation
    if meaning == _PALETTE:  # entries of 8 bits may be padded to 16; a fourth channel is opacity
        return np.asarray(apply_color_lut(stored, dataset))[..., :3].astype(header.dtype)
    if meaning in _COLOURS:
        return np.asarray(stored).astype(header.dtype)  # pydicom has made RGB of YBR, which the attribute still names
    stored = np.moveaxis(stored, 0, -1) if header.pages > 1 else stored[..., None]
    if meaning == "MONOCHROME1":
        top = (1 << dataset.BitsStored) - 1 if dataset.PixelRepresentation == 0 else -1
        stored = (top - stored.astype(np.int32)).astype(np.int32)
    return np.asarray(apply_rescale(stored, dataset)).astype(header.dtype)


def _dataset(file: File, **options: Any) -> Any:
    """Return the data set, also of a file without the preamble and `DICM`, as archives and older scanners write it."""
    import pydicom

    with opened(file) as stream:
        return pydicom.dcmread(stream, force=image_kind(head_of(file)) == "DICOM", **options)


def _name_transfer_syntax(dataset: Any) -> None:
    """Set the transfer syntax that a bare data set lacks, by how its elements were written. Raises DataError."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if "TransferSyntaxUID" in dataset.file_meta or "PixelData" not in dataset:
        return
    if dataset["PixelData"].is_undefined_length:
        raise DataError("a compressed DICOM image that does not say how", "save it again with its transfer syntax")
    is_implicit, is_little_endian = dataset.original_encoding
    explicit = ExplicitVRLittleEndian if is_little_endian else ExplicitVRBigEndian
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else explicit


def _dtype(dataset: Any) -> str:
    """Return the type that holds grey values after the rescale."""
    slope, intercept = _rescale(dataset)
    if "ModalityLUTSequence" in dataset or slope % 1 or intercept % 1:
        return "float32"
    if (slope, intercept) == (1, 0) and int(dataset.PixelRepresentation) == 0:
        return "uint8" if int(dataset.BitsStored) <= 8 else "uint16" if int(dataset.BitsStored) <= 16 else "uint32"
    return "int32"


def _rescale(dataset: Any) -> tuple[float, float]:
    return float(dataset.get("RescaleSlope", 1) or 1), float(dataset.get("RescaleIntercept", 0) or 0)


def _stored(dataset: Any, dtype: str) -> str:
    """Return in words how grey values are stored, and what the rescale makes of them: `12 bits in 16, rescaled`."""
    bits, allocated = int(dataset.get("BitsStored", 8)), int(dataset.get("BitsAllocated", 8))
    words = [f"{bits} bits in {allocated}" if bits < allocated else f"{bits} bits"]
    words += ["signed"] if int(dataset.PixelRepresentation) else []
    if dtype.startswith("float"):
        words.append(f"rescaled to {dtype}")
    elif _rescale(dataset) != (1, 0):
        words.append("rescaled")
    return ", ".join(words)
