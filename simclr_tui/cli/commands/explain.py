"""`simclr explain TOPIC`: explain a number that runs are judged by."""

from __future__ import annotations

from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.display.explanations import EXPLANATIONS, wrapped
from simclr_tui.display.explanations import explain as explanation_of


def complete_topic(incomplete: str) -> list[str]:
    """Return topics for shell completion."""
    return [topic for topic in EXPLANATIONS if topic.startswith(incomplete)]


def explain(
    topic: Annotated[
        str | None,
        typer.Argument(metavar="TOPIC", help=f"One of {', '.join(EXPLANATIONS)}.", autocompletion=complete_topic),
    ] = None,
) -> None:
    """Explain a number or setting in ten lines: knn, loss, rank, uniformity, alignment, temperature."""
    if topic is not None:
        return output.data("\n".join(wrapped(explanation_of(topic), min(100, output.width()))))
    for name, text in EXPLANATIONS.items():
        output.data(f"{name:12}  {text.splitlines()[0].partition(': ')[2]}")
    return output.talk("read one with: simclr explain TOPIC")
