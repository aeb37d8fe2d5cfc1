"""How often a fault is tried, and the table of what was tried: the rows of docs/reliability.md."""

from __future__ import annotations

from dataclasses import dataclass

import pytest


@dataclass
class Tried:
    """One row: so many of `what` were tried under `seed`."""

    row: str
    test: str
    count: int
    what: str
    seed: int | None
    passed: bool = False


_TRIED = pytest.StashKey[list[Tried]]()


def pytest_configure(config):
    config.stash[_TRIED] = []


@pytest.fixture
def fault(request, full_faults):
    """`fault(row, full, what, seed)`: how often to try; a tenth of the full count unless `--faults=full`."""
    told: list[Tried] = []

    def times(row: str, full: int, what: str, seed: int | None = None, fewest: int = 1) -> int:
        count = full if full_faults else max(fewest, full // 10)
        told.append(Tried(row, request.node.nodeid, count, what, seed))
        return count

    yield times
    report = request.node.stash.get(_REPORT, None)
    for tried in told:
        tried.passed = report is not None and report.passed
    request.config.stash[_TRIED] += told


_REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.stash[_REPORT] = report
    return report


def pytest_terminal_summary(terminalreporter, config):
    rows = {}
    for one in config.stash[_TRIED]:
        test = one.test.partition("[")[0]
        rows.setdefault((int(one.row[1:]), test, one.what, one.seed), []).append(one)
    if rows:
        terminalreporter.section("faults")
    for (row, test, what, seed), tried in sorted(rows.items(), key=str):
        count = sum(one.count for one in tried)
        failed = sum(not one.passed for one in tried)
        seeded = "" if seed is None else f", seed {seed}"
        verdict = f"FAILED {failed} of {len(tried)}" if failed else "0 failures"
        terminalreporter.write_line(f"| F{row} | {count:,} {what}{seeded} | {verdict} | `{test}` |")
