"""Declare the kinds of image files once: their names, their suffixes, and the libraries that read them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from simclr_tui.interpreter import extra_command
from simclr_tui.recipe.file_content import head_of, image_kind


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
    ImageKind("Netpbm", (".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".pfm")),
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


def kind_by_content(file: str | Path) -> ImageKind | None:
    """Return the kind of an image file by its first bytes, None where they are of none that is sure to be an image."""
    try:
        found = image_kind(head_of(Path(file)))
    except OSError:
        return None
    return next((kind for kind in KINDS if kind.name == found), None)


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
    *(
        ".ims",
        ".mp4",
        ".avi",
        ".mov",
        ".mkv",
        ".ico",
        ".dds",
        ".tga",
        ".pcx",
        ".jxr",
        ".sgi",
        ".zarr",
        ".mat",
    ),
)
"""Suffixes of images and volumes that cannot be read here: such files are counted and named, never silently skipped."""
OTHER_FILES = (
    dict.fromkeys(UNREAD_SUFFIXES, "which cannot be read here: convert them to TIFF or PNG")
    | dict.fromkeys((".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z"), "which are not looked into: unpack them")
    | dict.fromkeys((".rar", ".zst", ".lz4"), "which are not looked into: unpack them")
    | {".tar": "which are not looked into: unpack them, or give --data tar:FILE"}
    | {".npz": "which hold arrays: give --data npz:FILE", ".parquet": "which hold a table: give --data parquet:FILE"}
    | dict.fromkeys((".h5", ".hdf5"), "which hold arrays: give --data h5:FILE")
    | dict.fromkeys((".part", ".crdownload", ".download"), "whose download has not ended: fetch them again")
)
"""What is said of files in a folder of images that are not read, by their suffix."""
COMPANIONS = frozenset(
    (
        *(".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".db", ".cls"),
        *(".md", ".rst", ".htm", ".html", ".log", ".py", ".ipynb", ".sh"),
    )
)
"""Suffixes of what lies beside images and holds none, of which nothing is said."""


@cache
def installed(package: str) -> bool:
    """Return whether a package can be imported, without importing it."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False
