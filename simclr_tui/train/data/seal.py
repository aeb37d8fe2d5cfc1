"""Seal the files of a cache entry with checksums; check small files at once, and large ones while training begins."""

from __future__ import annotations

import shutil
import threading
import zlib
from pathlib import Path

from simclr_tui.errors import DataError

AT_ONCE = 4_000_000_000
"""Bytes up to which a file is checked before it is used; larger ones are checked beside the training."""
_BLOCK = 1 << 22


def checksum(file: Path) -> int:
    """Return the CRC-32 of a whole file."""
    value = 0
    with open(file, "rb") as handle:
        while block := handle.read(_BLOCK):
            value = zlib.crc32(block, value)
    return value


class BackgroundCheck:
    """Compare large files with their seals in a thread; an entry that fails is removed, and whoever uses it is told."""

    def __init__(self, folder: Path, seals: dict[str, int]) -> None:
        self._folder, self._seals, self._failed = folder, seals, ""
        self._thread = threading.Thread(target=self._check, name="cache check", daemon=True)
        self._thread.start()

    def _check(self) -> None:
        for name, sealed in self._seals.items():
            try:
                if checksum(self._folder / name) == sealed:
                    continue
            except OSError:
                continue  # the entry was freed meanwhile; what is mapped stays
            self._failed = name
            shutil.rmtree(self._folder, ignore_errors=True)
            return

    def wait(self) -> None:
        """Wait until all is compared."""
        self._thread.join()

    def raise_if_failed(self) -> None:
        """Raise DataError where a file was found to differ from what was written."""
        if self._failed:
            raise DataError(
                f"the decoded images in {self._folder} are not what was written there ({self._failed})",
                "they are removed and will be decoded anew: check the disk, then resume",
            )
