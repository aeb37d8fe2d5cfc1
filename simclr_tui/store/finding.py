"""The result of one check of the machine by `simclr doctor`."""

from __future__ import annotations

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """Report one check: `bad` would keep a run from starting, `note` is worth knowing."""

    verdict: Literal["good", "note", "bad"]
    subject: str
    finding: str
