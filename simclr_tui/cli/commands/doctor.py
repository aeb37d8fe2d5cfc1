"""`simclr doctor`: look for the common causes of trouble before they strike."""

from __future__ import annotations

import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, Runs


def doctor(json: AsJson = False, runs: Runs = DEFAULT_RUNS) -> None:
    """Check the machine, the store and the terminal. Exits with 1 if anything would keep a run from starting."""
    from simclr_tui.doctor import examine

    findings = examine(runs)
    if json:
        output.data_json(findings)
    else:
        marks = {"good": "✓ good", "note": "○ note", "bad": "✗ bad"}
        output.facts("", [[marks[f.verdict], f.subject, f.finding] for f in findings])
    if any(finding.verdict == "bad" for finding in findings):
        raise typer.Exit(1)
