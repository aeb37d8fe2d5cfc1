"""Write a report as one Markdown file; drawings and images are part of it, as data."""

from __future__ import annotations

import base64
import re

from simclr_tui.report.blocks import Block, Code, Drawing, Heading, Paragraph, Pictures, Report, Table
from simclr_tui.text import safe

_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#|~&!])")  # what Markdown or HTML in it would act on


def as_markdown(report: Report) -> str:
    """Return the text of the file. Every word of the report is escaped."""
    return f"# {_text(report.title)}\n\n" + "\n\n".join(_block(block) for block in report.blocks) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"## {_text(block.text)}"
        case Paragraph():
            return _text(block.text)
        case Code():
            return "\n".join(f"    {line}" for line in safe(block.text, keep_newlines=True).splitlines())
        case Drawing():
            return f"![{_text(block.about)}](data:image/svg+xml;base64,{base64.b64encode(block.svg.encode()).decode()})"
        case Pictures():
            return "\n".join(_picture(caption, png) for caption, png in block.images)
        case Table():
            lines = [block.titles, ["---"] + ["---:"] * (len(block.titles) - 1)]
            head = ["| " + " | ".join(map(_text, lines[0])) + " |", "| " + " | ".join(lines[1]) + " |"]
            return "\n".join([*head, *("| " + " | ".join(map(_text, row)) + " |" for row in block.rows)])


def _picture(caption: str, png: bytes) -> str:
    return f"![{_text(caption)}](data:image/png;base64,{base64.b64encode(png).decode()}) {_text(caption)}"


def _text(text: str) -> str:
    return _ACTIVE.sub(r"\\\1", safe(text))
