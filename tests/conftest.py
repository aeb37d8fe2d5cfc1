"""What every test stands on: no network, one thread a trainer, data and caches of its own."""

from __future__ import annotations

import contextlib
import os
import sys

import psutil
import pytest

from simclr_tui import atomic
from tests.faults.counting import (  # noqa: F401 - hooks and a fixture for every test
    fault,
    has_failed,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)
from tests.tui.real_terminal import open_terminal  # noqa: F401
from tests.users import group_folder  # noqa: F401

# Where bytecode is not to be written, each of some thousand commands would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_addoption(parser):
    parser.addoption("--faults", choices=["some", "full"], default="some", help="full: every fault at its full count")
    parser.addoption("--faults-report", metavar="FILE", help="put what was tried into FILE (tests/faults/tried.json)")


@pytest.fixture
def full_faults(request) -> bool:
    """Whether fault tests run at their full count."""
    return request.config.getoption("--faults") == "full"


@pytest.fixture(scope="session")
def shared_data(tmp_path_factory):
    """One cache of decoded images for the whole session."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def _end_what_a_failed_test_left(request):
    """End the runs of a test that failed before it could: they would train for days beside all other tests."""
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder is not None and has_failed(request.node):
        for process in psutil.process_iter(["cmdline"]):
            if any(word.startswith(f"{folder}/") for word in process.info["cmdline"] or ()):
                with contextlib.suppress(psutil.Error):
                    process.kill()


@pytest.fixture(autouse=True)
def _holds_no_lock():
    """Fail a test that leaves a lock held: the next one in this process would take it for its own program's."""
    before = set(atomic._held)
    yield
    assert atomic._held <= before, "a lock is still held"


@pytest.fixture(autouse=True)
def _alone(monkeypatch, shared_data):
    """Keep tests off the network, off the user's store, caches and configuration."""
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    monkeypatch.setenv("SIMCLR_DATA", str(shared_data))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(shared_data / "config"))
    monkeypatch.delenv("SIMCLR_RUNS", raising=False)
