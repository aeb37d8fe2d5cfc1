"""How often a fault is tried, and the table of what was tried: a row of docs/reliability.md each."""

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
    tried = sorted(config.stash[_TRIED], key=lambda one: (int(one.row[1:]), one.test))
    if not tried:
        return
    terminalreporter.section("faults")
    for one in tried:
        seed = "" if one.seed is None else f", seed {one.seed}"
        verdict = "0 failures" if one.passed else "FAILED"
        terminalreporter.write_line(f"| {one.row} | {one.count:,} {one.what}{seed} | {verdict} | `{one.test}` |")
