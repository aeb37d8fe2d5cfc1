"""How often a fault is tried, and what came of it: the lines of `tried.json`, from which the table is drawn."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRIED = Path(__file__).with_name("tried.json")


@dataclass
class Tried:
    """One line: `count` of `full` times `what` under `seed`, of which `failed` tests failed, at `commit`."""

    row: str
    test: str
    what: str
    seed: int | None
    count: int
    full: int
    failed: int = 0
    commit: str = ""

    @property
    def key(self) -> tuple[int, str, str, int]:
        return int(self.row[1:]), self.test, self.what, -1 if self.seed is None else self.seed


_TRIED = pytest.StashKey[list[Tried]]()
_REPORT = pytest.StashKey[pytest.TestReport]()


_PROPERTY = "fault"


class _Gathering:
    """Takes what was tried out of the reports, which come from other processes where tests run in several."""

    def __init__(self, tried: list[Tried]) -> None:
        self._tried = tried

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self._tried += [Tried(**told) for name, told in report.user_properties if name == _PROPERTY]


def pytest_configure(config):
    config.stash[_TRIED] = []
    config.pluginmanager.register(_Gathering(config.stash[_TRIED]))


@pytest.fixture
def fault(request, full_faults):
    """`fault(row, full, what, seed)`: how often to try; unless `--faults=full`, a tenth of that but no less than
    `fewest`, or just `few`."""
    told: list[Tried] = []

    def times(row: str, full: int, what: str, seed: int | None = None, fewest: int = 1, few: int | None = None) -> int:
        some = max(fewest, full // 10) if few is None else few
        count = full if full_faults else some
        told.append(Tried(row, request.node.nodeid.partition("[")[0], what, seed, count, max(full, count)))
        return count

    yield times
    report = request.node.stash.get(_REPORT, None)
    if report is not None and report.skipped:
        return
    for one in told:
        one.failed = int(report is None or not report.passed)
        request.node.user_properties.append((_PROPERTY, asdict(one)))


def has_failed(item: pytest.Item) -> bool:
    """Return whether the test failed, or was interrupted."""
    report = item.stash.get(_REPORT, None)
    return report is None or report.failed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.stash[_REPORT] = report
    return report


def pytest_terminal_summary(terminalreporter, config):
    lines = joined(config.stash[_TRIED])
    if lines:
        terminalreporter.section("faults")
    for one in lines:
        seeded = "" if one.seed is None else f", seed {one.seed}"
        verdict = f"FAILED {one.failed}" if one.failed else "0 failures"
        terminalreporter.write_line(f"| {one.row} | {one.count:,} {one.what}{seeded} | {verdict} | `{one.test}` |")
    if target := config.getoption("--faults-report"):
        write(Path(target), lines)


def joined(tried: list[Tried]) -> list[Tried]:
    """The cases of one parametrized test are one line."""
    lines: dict[tuple[int, str, str, int], Tried] = {}
    for one in tried:
        if one.key in lines:
            line = lines[one.key]
            line.count, line.full, line.failed = line.count + one.count, line.full + one.full, line.failed + one.failed
        else:
            lines[one.key] = Tried(**asdict(one))
    return [lines[key] for key in sorted(lines)]


def read(path: Path = TRIED) -> list[Tried]:
    """The lines of a report, by row."""
    return [Tried(**one) for one in json.loads(path.read_text(encoding="utf-8"))]


def write(path: Path, lines: list[Tried]) -> None:
    """Put the lines of this run in place of the same lines of earlier runs; the others stay, with their commit."""
    commit = _commit()
    lines = [Tried(**(asdict(one) | {"commit": commit})) for one in lines]
    kept = {one.key: one for one in (read(path) if path.exists() else [])}
    merged = kept | {one.key: one for one in lines}
    rows: list[dict[str, Any]] = [asdict(merged[key]) for key in sorted(merged)]
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")


def _commit() -> str:
    """The commit that was tried; empty where the package was changed since, or the commit may yet be rewritten."""
    try:
        changed = _git("status", "--porcelain", "--", "simclr_tui", "pyproject.toml")
        is_shared = _git("branch", "--remotes", "--contains", "HEAD")
        return _git("rev-parse", "--short=9", "HEAD") if is_shared and not changed else ""
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
