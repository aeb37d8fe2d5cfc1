"""Many files synced with one wait: what is told to the disk, and when; and where one call does not promise enough."""

from __future__ import annotations

import errno
import platform
from pathlib import Path

import pytest

from simclr_tui import deferred_sync
from simclr_tui.atomic import LineWriter, SystemOs, sync_folder, write_file
from simclr_tui.deferred_sync import DeferredSync, sync_file_system


class Recording(SystemOs):
    """Notes which files are synced, by what they hold: their names change."""

    def __init__(self):
        self.synced = []
        self._paths = {}

    def open(self, path, flags):
        fd = super().open(path, flags)
        self._paths[fd] = path
        return fd

    def fsync(self, fd):
        self.synced.append(self._paths[fd].name)
        super().fsync(fd)


@pytest.fixture
def disk():
    return Recording()


def write_some(system, folder, count):
    for number in range(count):
        write_file(folder / f"{number}.json", b"content", durable=False, system=system)


def test_nothing_is_synced_before_it_settles_and_then_each_file_under_its_name(tmp_path, disk):
    system = DeferredSync(disk)
    write_some(system, tmp_path, 2)
    lines = LineWriter(tmp_path / "lines", system=system)
    lines.append(b"one")
    lines.close()
    sync_folder(tmp_path, system)
    assert disk.synced == []
    system.settle()
    assert disk.synced == ["0.json", "1.json", "lines", tmp_path.name]
    system.settle()
    assert len(disk.synced) == 4
    assert (tmp_path / "1.json").read_bytes() == b"content"


def test_a_file_removed_again_is_not_synced(tmp_path, disk):
    system = DeferredSync(disk)
    write_some(system, tmp_path, 1)
    system.unlink(tmp_path / "0.json")
    system.settle()
    assert disk.synced == []


@pytest.mark.parametrize("one_call_will_do", [True, False])
def test_many_files_are_synced_by_one_call_where_that_will_do(tmp_path, disk, monkeypatch, one_call_will_do):
    asked = []
    monkeypatch.setattr(deferred_sync, "sync_file_system", lambda folder: asked.append(folder) or one_call_will_do)
    system = DeferredSync(disk)
    write_some(system, tmp_path, 40)
    system.settle()
    assert asked == [tmp_path]
    assert len(disk.synced) == (0 if one_call_will_do else 40)


def test_a_disk_that_fails_is_told_of(tmp_path):
    class Failing(SystemOs):
        def fsync(self, fd):
            raise OSError(errno.EIO, "Input/output error")

    system = DeferredSync(Failing())
    write_some(system, tmp_path, 1)
    with pytest.raises(OSError, match="Input/output"):
        system.settle()


@pytest.mark.parametrize("release", ["4.18.0-553.el8.x86_64", "5.7.19", "odd"])
def test_a_kernel_that_does_not_report_what_failed_is_not_relied_on(tmp_path, monkeypatch, release):
    monkeypatch.setattr(platform, "release", lambda: release)
    assert sync_file_system(tmp_path) is False


@pytest.mark.skipif(platform.system() != "Linux", reason="the kinds of file systems are Linux's")
@pytest.mark.parametrize("folder", ["/proc", "/sys"])
def test_a_file_system_that_is_not_known_to_report_failures_is_not_relied_on(folder):
    assert sync_file_system(Path(folder)) is False


def test_a_folder_that_is_gone_is_no_reason_to_rely_on_the_call(tmp_path):
    assert sync_file_system(tmp_path / "gone") is False
