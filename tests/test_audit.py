"""No package that is installed with this one has a known vulnerability, as far as the database can be asked."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from importlib.metadata import version

import pytest

KNOWN: dict[str, str] = {}
"""Vulnerabilities that do not matter here, by their name, and why."""
NOT_OURS = {"pip", "setuptools", "wheel"}  # of the environment, whichever that is
PROBED = "msgspec"


def audit(*words: str, within: float) -> list[dict]:
    """What pip-audit says of each package. Skips, with the reason, where the database did not answer."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "3"]
    try:
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=within)
    except subprocess.TimeoutExpired:
        pytest.skip(f"nothing was audited: the database of vulnerabilities did not answer within {within:.0f} s")
    try:
        return json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        pytest.skip(f"nothing was audited: {last[:200]}")


def test_no_installed_package_has_a_known_vulnerability(tmp_path):
    if importlib.util.find_spec("pip_audit") is None:
        pytest.skip("nothing was audited: pip-audit is not installed, see the extra 'test'")
    probe = tmp_path / "requirements.txt"
    probe.write_text(f"{PROBED}=={version(PROBED)}\n")
    (asked,) = audit("--requirement", str(probe), "--no-deps", "--disable-pip", within=10)
    if "skip_reason" in asked:  # a mirror serves packages, and knows nothing of vulnerabilities
        pytest.skip(f"nothing was audited: {asked['skip_reason'][:200]}")
    told = audit("--local", within=200)
    audited = [package for package in told if "vulns" in package and package["name"] not in NOT_OURS]
    assert len(audited) > len(told) / 2, "most packages could not be audited"
    found = [
        f"{package['name']} {package['version']}: {one['id']}, mended in {', '.join(one['fix_versions']) or 'none yet'}"
        for package in audited
        for one in package["vulns"]
        if one["id"] not in KNOWN
    ]
    assert not found, "\n".join(found)
