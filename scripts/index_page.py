"""Give package indexes a README that works there: a link into this repository becomes plain words.

hatchling calls this when it builds a wheel or a source distribution.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_PICTURE = re.compile(r"!\[[^\]]*\]\((?!https?:)[^)]+\)\n*")
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")
_WHERE = "\nThe pages and pictures below `docs/` come with the source distribution.\n"


def index_page(readme: str) -> str:
    """Return the README without pictures and links whose targets an index does not have."""
    return _LINK.sub(r"\1", _PICTURE.sub("", readme)) + _WHERE


class IndexPage(MetadataHookInterface):
    """Declare the README of the distribution."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the README to the project's metadata."""
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": index_page(readme)}
