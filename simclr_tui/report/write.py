"""Write a report into a file, as HTML or Markdown by the file's name."""

from __future__ import annotations

from pathlib import Path

from simclr_tui.report.as_html import as_html
from simclr_tui.report.as_markdown import as_markdown
from simclr_tui.report.blocks import Report
from simclr_tui.store.export.target import check_target, write_target

SUFFIXES = (".html", ".md")
_WRITERS = {".html": as_html, ".md": as_markdown}


def check_report(target: Path) -> None:
    """Raise RecipeError unless a report can be written there."""
    check_target(target, SUFFIXES, "--out")


def write_report(report: Report, target: Path) -> None:
    """Replace the file by the report, whole or not at all. Raises StoreError."""
    write_target(target, _WRITERS[target.suffix](report).encode())
