"""What a plan chose for the user, and what it warns of, as lines before a run starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simclr_tui.cli import output
from simclr_tui.text import safe

if TYPE_CHECKING:
    from simclr_tui.launch.plan import Plan


def print_notes(plan: Plan) -> None:
    """Print each choice made for the user with its reason, what the images are, then each warning."""
    for choice in plan.choices:
        output.talk(f"using {safe(choice)}")
    for note in plan.data_notes:
        output.talk(safe(note))
    for warning in plan.warnings:
        output.talk(f"warning: {safe(warning)}")
