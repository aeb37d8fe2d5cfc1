"""`simclr doctor`: look for the common causes of trouble before they strike."""

from __future__ import annotations

from typing import Annotated

import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, Runs


def doctor(
    json: AsJson = False,
    runs: Runs = DEFAULT_RUNS,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Train on the GPU for a minute: right numbers? how fast is each preset?")
    ] = False,
) -> None:
    """Check the machine, the store and the terminal. Exits with 1 if anything would keep a run from starting."""
    from simclr_tui.doctor import examine, examine_gpu

    findings = examine_gpu() if gpu else examine(runs)
    if json:
        output.data_json(findings)
    else:
        marks = {"good": "✓ good", "note": "○ note", "bad": "✗ bad"}
        output.facts("", [[marks[f.verdict], f.subject, f.finding] for f in findings])
    if any(finding.verdict == "bad" for finding in findings):
        raise typer.Exit(1)
