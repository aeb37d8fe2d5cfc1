"""F51: file systems without room for names or without a folder's fsync, names that are not UTF-8, no home folder."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import msgspec
import numpy as np
import pytest
from PIL import Image

from simclr_tui.atomic import SystemOs, write_file
from simclr_tui.errors import StoreError
from simclr_tui.launch.start import start
from simclr_tui.store.store import Store
from tests.run_factory import make_run
from tests.training import tiny_plan, tiny_run, train_in_process


class NoFolderSync(SystemOs):
    """A file system on which a folder's fsync fails with `code`."""

    def __init__(self, code: int) -> None:
        self._code = code

    def fsync(self, fd):
        if os.path.isdir(f"/proc/self/fd/{fd}"):  # noqa: PTH112
            raise OSError(self._code, os.strerror(self._code))
        super().fsync(fd)


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EBADF])
def test_a_file_system_that_cannot_sync_a_folder_is_used_all_the_same(tmp_path, code):
    write_file(tmp_path / "state.json", b"whole", system=NoFolderSync(code))
    assert (tmp_path / "state.json").read_bytes() == b"whole"


def test_a_disk_that_fails_to_sync_a_folder_is_told(tmp_path):
    with pytest.raises(OSError, match="Input/output"):
        write_file(tmp_path / "state.json", b"whole", system=NoFolderSync(errno.EIO))


def test_a_disk_with_room_but_without_inodes_is_refused_before_anything_is_made(tmp_path, fault):
    if os.geteuid() != 0:
        pytest.skip("mounting a file system needs root")
    place = tmp_path / "mounted"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2G,nr_inodes=40", "none", place], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr}")
    try:
        fault("F51", 1, "launch where 39 more files fit")
        with pytest.raises(StoreError, match="more files fit on the disk"):
            start(Store(place / "runs"), tiny_plan())
        assert list(place.glob("runs/run*")) == []
    finally:
        subprocess.run(["umount", place], check=True)


def test_classes_whose_names_are_not_utf_8_train_and_are_kept(tmp_path, fault):
    fault("F51", 1, "data set with classes whose names are not UTF-8")
    random = np.random.default_rng(0)
    for label in (b"caf\xe9", b"na\xefve"):
        folder = os.path.join(os.fsencode(tmp_path), b"images", label)  # noqa: PTH118
        os.makedirs(folder)  # noqa: PTH103
        for number in range(48):
            pixels = Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8))
            pixels.save(os.fsdecode(os.path.join(folder, b"%d.png" % number)))  # noqa: PTH118
    run = tiny_run(tmp_path / "runs", data=f"folder:{tmp_path / 'images'}", epochs=1, subset=0)
    done = train_in_process(run)
    assert done.returncode == 0, done.stderr
    assert run.state == "finished"
    assert msgspec.json.decode((run.path / "data.json").read_bytes())


@pytest.mark.parametrize("home", [None, "", "/nowhere/at-all"])
def test_there_need_be_no_home_folder(tmp_path, home):
    run = make_run(tmp_path / "runs")
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CONFIG_HOME")}
    environment |= {} if home is None else {"HOME": home}
    command = [sys.executable, "-m", "simclr_tui", "ls", "--runs", str(run.path.parent)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "run1" in done.stdout
