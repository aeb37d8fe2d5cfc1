"""Declare the kinds of image files once: their names, their suffixes, and the libraries that read them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

from simclr_tui.interpreter import extra_command


@dataclass(frozen=True)
class ImageKind:
    """Describe a kind of image file: the `package` it needs beyond the base install, and the `extra` with it."""

    name: str
    suffixes: tuple[str, ...]
    package: str = ""
    extra: str = ""

    @property
    def readable(self) -> bool:
        """Return whether the library that reads this kind is installed."""
        return not self.package or installed(self.package)

    @property
    def remedy(self) -> str:
        """Return the command that installs what is needed to read this kind."""
        return extra_command(self.extra)


KINDS = (
    ImageKind("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif")),
    ImageKind("PNG", (".png",)),
    ImageKind("WebP", (".webp",)),
    ImageKind("BMP", (".bmp",)),
    ImageKind("GIF", (".gif",)),
    ImageKind("TIFF", (".tif", ".tiff")),
    ImageKind("Netpbm", (".ppm", ".pgm", ".pbm", ".pnm")),
    ImageKind("JPEG 2000", (".jp2", ".j2k", ".jpx"), "imagecodecs", "tiff"),
    ImageKind("AVIF", (".avif",), "imagecodecs", "tiff"),
    ImageKind("HEIC", (".heic", ".heif"), "pillow_heif", "heif"),
    ImageKind("DICOM", (".dcm", ".dicom"), "pydicom", "dicom"),
    ImageKind("NumPy", (".npy",)),
)
KIND_OF_SUFFIX = {suffix: kind for kind in KINDS for suffix in kind.suffixes}
IMAGE_SUFFIXES = tuple(KIND_OF_SUFFIX)
SUFFIXES_0_1 = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm")
"""Suffixes that version 0.1 recognised; a run started under it sees no other images."""

UNREAD_SUFFIXES = (
    *(".svg", ".psd", ".exr", ".hdr", ".jxl", ".dng", ".nef", ".cr2", ".cr3", ".arw", ".orf", ".rw2", ".raw", ".fits"),
    *(
        ".fit",
        ".nii",
        ".mha",
        ".mhd",
        ".nrrd",
        ".svs",
        ".ndpi",
        ".mrxs",
        ".scn",
        ".czi",
        ".nd2",
        ".lif",
        ".oib",
        ".vsi",
    ),
    *(".ims", ".mp4", ".avi", ".mov", ".mkv", ".ico", ".dds", ".tga", ".pcx", ".jxr", ".sgi", ".zarr", ".mat"),
)
"""Suffixes of images and volumes that cannot be read here: such files are counted and named, never silently skipped."""


@cache
def installed(package: str) -> bool:
    """Return whether a package can be imported, without importing it."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False
