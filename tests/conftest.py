"""What every test stands on: no network, one thread a trainer, data and caches of its own."""

from __future__ import annotations

import pytest


def pytest_addoption(parser):
    parser.addoption("--faults", choices=["some", "full"], default="some", help="full: every fault at its full count")


@pytest.fixture
def full_faults(request) -> bool:
    """Whether fault tests run at their full count."""
    return request.config.getoption("--faults") == "full"


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path_factory):
    """Keep tests off the network, off the user's store and off the user's caches."""
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    monkeypatch.delenv("SIMCLR_RUNS", raising=False)
    if "SIMCLR_TEST_DATA" not in _shared:
        _shared["SIMCLR_TEST_DATA"] = str(tmp_path_factory.mktemp("data"))
    monkeypatch.setenv("SIMCLR_DATA", _shared["SIMCLR_TEST_DATA"])


_shared: dict[str, str] = {}
