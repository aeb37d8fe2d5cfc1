"""DICOM in colour as scanners, ultrasound and pathology write it: read as the colours that it means, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import features

from simclr_tui.errors import DataError
from simclr_tui.train.data.readers import read_image, survey_image

SIDE = 16
RGB = np.random.default_rng(9).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
INDICES = np.arange(SIDE * SIDE, dtype=np.uint8).reshape(SIDE, SIDE)


def dicom(file: Path, pixels: bytes, meaning: str, syntax: str = "ExplicitVRLittleEndian", **attributes: Any) -> Path:
    """Write a square image of SIDE pixels and 8 bits, in colour unless the attributes say otherwise."""
    pydicom = pytest.importorskip("pydicom")
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = getattr(pydicom.uid, syntax)
    data.file_meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    data.SOPClassUID, data.SOPInstanceUID = data.file_meta.MediaStorageSOPClassUID, "1.2.3"
    data.Rows, data.Columns, data.PhotometricInterpretation = SIDE, SIDE, meaning
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    data.SamplesPerPixel, data.PlanarConfiguration = 3, 0
    for name, value in attributes.items():
        setattr(data, name, value)
    data.add_new("PixelData", "OB", pixels)
    data.save_as(file, enforce_file_format=True)
    return file


def read(file: Path) -> np.ndarray:
    return read_image(file, survey_image(file, file.name), SIDE)


@pytest.mark.parametrize("meaning", ["RGB", "YBR_FULL"])
def test_colours_are_those_that_the_file_means(tmp_path, meaning):
    stored = RGB
    if meaning == "YBR_FULL":  # DICOM PS3.3 C.7.6.3.1.2
        to_ybr = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
        stored = np.rint(RGB @ to_ybr.T + [0, 128, 128]).clip(0, 255).astype(np.uint8)
    found = read(dicom(tmp_path / "a.dcm", stored.tobytes(), meaning))
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - RGB).max() <= 2


def test_grey_in_ybr_is_grey(tmp_path):
    grey = np.broadcast_to(np.array([200, 128, 128], np.uint8), (SIDE, SIDE, 3)).tobytes()
    assert np.unique(read(dicom(tmp_path / "a.dcm", grey, "YBR_FULL"))).tolist() == [200]


def test_the_colours_of_jpeg_2000_are_those_of_its_codec(tmp_path):
    codecs, pydicom = pytest.importorskip("imagecodecs"), pytest.importorskip("pydicom")
    if not features.check("jpg_2000"):
        pytest.skip("pydicom has no decoder of JPEG 2000")
    stream = codecs.jpeg2k_encode(RGB, level=0, reversible=True, codecformat="J2K", mct=True)
    file = dicom(tmp_path / "a.dcm", pydicom.encaps.encapsulate([stream]), "YBR_RCT", "JPEG2000Lossless")
    assert np.array_equal(read(file), RGB)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette_keeps_the_depth_of_its_entries(tmp_path, bits):
    top = (1 << bits) - 1
    palette = np.rint(np.stack([INDICES.ravel() / 255, 1 - INDICES.ravel() / 255, INDICES.ravel() / 999], -1) * top)
    palette = palette.astype(f"<u{bits // 8}")
    tables: dict[str, Any] = {"SamplesPerPixel": 1}
    for name, column in zip(("Red", "Green", "Blue"), palette.T, strict=True):
        tables[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, bits]
        tables[f"{name}PaletteColorLookupTableData"] = column.tobytes()
    file = dicom(tmp_path / "a.dcm", INDICES.tobytes(), "PALETTE COLOR", **tables)
    header = survey_image(file, "a.dcm")
    assert (header.dtype, header.bits, header.channels) == (f"uint{bits}", bits, 3)
    assert np.array_equal(read(file), palette[INDICES])
    assert read(file).dtype == header.dtype


@pytest.mark.parametrize(
    ("meaning", "frames", "words"),
    [
        ("RGB", 4, "a DICOM film of 4 frames in colour — save its frames as images"),
        ("HSV", 1, "a DICOM image whose colours are HSV — convert it to RGB or grey"),
    ],
)
def test_films_and_other_colours_are_refused_by_name_and_not_called_damaged(tmp_path, meaning, frames, words):
    file = dicom(tmp_path / "a.dcm", RGB.tobytes() * frames, meaning, NumberOfFrames=frames)
    with pytest.raises(DataError, match=words):
        read(file)
