"""What the file system of the store can do is found by trying, and it is named."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from simclr_tui import doctor


def mounts(monkeypatch, **kinds):
    """As if these were mounted: `_` stands for `/` in a keyword."""
    listed = [SimpleNamespace(mountpoint=name.replace("_", "/"), fstype=kind) for name, kind in kinds.items()]
    monkeypatch.setattr(doctor.psutil, "disk_partitions", lambda all: listed)


def test_the_innermost_mount_is_named(monkeypatch):
    mounts(monkeypatch, _="ext4", _home="nfs4", _home_me_fast="xfs")
    assert doctor.file_system(Path("/home/me/runs")) == ("nfs4", "/home")
    assert doctor.file_system(Path("/home/me/fast/runs")) == ("xfs", "/home/me/fast")
    assert doctor.file_system(Path("/homes")) == ("ext4", "/")


@pytest.mark.parametrize(
    ("kind", "network"),
    [("nfs4", True), ("lustre", True), ("fuse.sshfs", True), ("gpfs", True), ("ext4", False), ("xfs", False)],
)
def test_a_network_file_system_is_known_by_its_name(tmp_path, monkeypatch, kind, network):
    mounts(monkeypatch, _=kind)
    found = doctor._file_system(tmp_path / "runs")
    assert (found.verdict == "note") == network
    assert found.finding.startswith(f"{kind} at /, {'a network' if network else 'local to this machine'}")
    assert found.finding.endswith("renames are atomic")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "words"), [("overlay", "removed with its container"), ("tmpfs", "empty after a restart")]
)
def test_a_store_that_does_not_stay_is_said(tmp_path, monkeypatch, kind, words):
    mounts(monkeypatch, _=kind)
    found = doctor._file_system(tmp_path / "runs")
    assert found.verdict == "note"
    assert f"{kind} at /, which is {words}: mount a volume there" in found.finding


def test_a_rename_that_replaces_a_taken_name_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "rename_folder", lambda source, target: source.rename(target))
    found = doctor._file_system(tmp_path)
    assert found.verdict == "bad"
    assert "overwrites an existing folder on rename" in found.finding
