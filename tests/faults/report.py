"""Draws the table of docs/reliability.md from the promises and from what was tried.

pytest tests --faults=full --faults-report=tests/faults/tried.json
python -m tests.faults.report
"""

from __future__ import annotations

from pathlib import Path

from tests.faults.counting import ROOT, Tried, read
from tests.faults.promises import PROMISES, Promise

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- tried: begin -->", "<!-- tried: end -->"
_HEAD = "| | fault | what is promised | tried | failures | commit | test |\n|---|---|---|---|---|---|---|"


def table(lines: list[Tried]) -> str:
    """A line for each promise: what was tried for it, how often, under which seed, or that nothing was counted."""
    return "\n".join(
        [_HEAD, *(_row(promise, [one for one in lines if one.row == promise.row]) for promise in PROMISES)]
    )


def _row(promise: Promise, lines: list[Tried]) -> str:
    told = [_told(one) for one in lines] + ([promise.also] if promise.also else [])
    failures = str(sum(one.failed for one in lines)) if lines else "–"
    commits = ", ".join(sorted({f"`{one.commit}`" for one in lines if one.commit})) or "–"
    files = dict.fromkeys([one.test.partition("::")[0] for one in lines] + list(promise.tests))
    tests = ", ".join(f"`{name}`" for name in files) or "–"
    return (
        f'| <a id="{promise.row.lower()}"></a>{promise.row} '
        f"| {promise.fault} | {promise.kept} | {'; '.join(told)} | {failures} | {commits} | {tests} |"
    )


def _told(one: Tried) -> str:
    count = f"{one.count:,}" if one.count == one.full else f"{one.count:,} of {one.full:,}"
    return f"{count} {one.what}" + ("" if one.seed is None else f" (seed {one.seed})")


def drawn(page: str, lines: list[Tried]) -> str:
    """The page with its table drawn anew."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table(lines)}\n{END}{after}"


def main(page: Path = PAGE) -> None:
    page.write_text(drawn(page.read_text(encoding="utf-8"), read()), encoding="utf-8")


if __name__ == "__main__":
    main()
