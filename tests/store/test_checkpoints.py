"""Checkpoints as files: one is always whole; damage is named; nothing is taken for what it is not."""

from __future__ import annotations

import errno
import os
import random

import msgspec
import pytest

from simclr_tui.paths import RunPaths
from simclr_tui.store.checkpoints import Manifest, load, manifests, prune, save
from tests.faults.failing_os import FailingOs, die

DATA = bytes(range(256)) * 40


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    return RunPaths(tmp_path)


def saved(paths: RunPaths, step: int, data: bytes = DATA, **system) -> Manifest:
    return save(paths, data, step=step, epoch=step / 10, recipe="abc", wall=1.0, version="0.1.0", **system)


def newest_valid(paths: RunPaths) -> tuple[int, bytes] | None:
    for manifest in manifests(paths):
        data = load(paths, manifest)
        if isinstance(data, bytes):
            return manifest.step, data
    return None


def test_what_was_saved_is_loaded(paths):
    manifest = saved(paths, 10)
    assert manifests(paths) == [manifest]
    assert load(paths, manifest) == DATA
    assert (manifest.bytes, manifest.epoch, manifest.file) == (len(DATA), 1.0, "step-00000010.pt")


def test_the_newest_comes_first_beyond_eight_digits_too(paths):
    for step in (99_999_999, 5, 100_000_000, 20):
        saved(paths, step)
    assert [manifest.step for manifest in manifests(paths)] == [100_000_000, 99_999_999, 20, 5]


def test_no_folder_no_checkpoints(tmp_path):
    assert manifests(RunPaths(tmp_path)) == []
    prune(RunPaths(tmp_path))


def test_an_error_at_any_call_of_a_save_leaves_one_valid_checkpoint(paths):
    saved(paths, 10, b"old")
    counting = FailingOs(0, errno.EIO)
    saved(paths, 20, b"new", system=counting)
    assert counting.calls == 16
    for n in range(1, 17):
        for path in (paths.manifest(20), paths.checkpoint(20)):
            path.unlink(missing_ok=True)
        with pytest.raises(OSError):  # noqa: PT011 - whichever call it was
            saved(paths, 20, b"new", system=FailingOs(n, errno.ENOSPC))
        assert newest_valid(paths) in ((10, b"old"), (20, b"new"))
        assert not list(paths.checkpoints.glob(".*")), "a temporary file was left"
        saved(paths, 20, b"new")
        assert newest_valid(paths) == (20, b"new")


def test_death_at_any_call_of_a_save_leaves_one_valid_checkpoint(paths):
    saved(paths, 10, b"old")
    for n in range(1, 17):
        for path in (paths.manifest(20), paths.checkpoint(20)):
            path.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            try:
                saved(paths, 20, b"new", system=FailingOs(n, die))
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        assert newest_valid(paths) in ((10, b"old"), (20, b"new"))
        saved(paths, 20, b"new")
        prune(paths)
        assert newest_valid(paths) == (20, b"new")
        assert len(list(paths.checkpoints.iterdir())) == 4, "stale temporary files were left"


def test_saving_the_same_step_again_leaves_one_valid_checkpoint(paths):
    saved(paths, 5, b"before")
    saved(paths, 10, b"first")
    for n in range(1, 17):
        with pytest.raises(OSError):  # noqa: PT011 - whichever call it was
            saved(paths, 10, b"second", system=FailingOs(n, errno.EIO))
        assert newest_valid(paths) in ((5, b"before"), (10, b"first"), (10, b"second"))
        saved(paths, 10, b"first")


def test_two_are_kept_whatever_is_asked_and_pruning_leaves_no_half(paths):
    for step in range(1, 8):
        saved(paths, step)
    prune(paths, keep=4)
    assert [manifest.step for manifest in manifests(paths)] == [7, 6, 5, 4]
    for keep in (2, 1, 0, -3):
        prune(paths, keep=keep)
        assert [manifest.step for manifest in manifests(paths)] == [7, 6]
    names = sorted(path.name for path in paths.checkpoints.iterdir())
    assert names == ["step-00000006.json", "step-00000006.pt", "step-00000007.json", "step-00000007.pt"]


def damaged(chance: random.Random, data: bytes) -> bytes | None:
    """One of the ways in which a file goes wrong; None: it is gone."""
    at = chance.randrange(len(data))
    flipped = data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
    page = data[: at // 512 * 512] + bytes(512) + data[at // 512 * 512 + 512 :]
    return chance.choice([flipped, data[:at], b"", page, data + b"\0", chance.randbytes(len(data)), None])


def test_five_hundred_damages_of_the_newest_fall_back_to_the_one_before(paths):
    chance = random.Random(7)
    old, new = chance.randbytes(5000), chance.randbytes(5000)
    saved(paths, 1, old)
    manifest = saved(paths, 2, new)
    description = paths.manifest(2).read_bytes()
    for _ in range(500):
        paths.checkpoint(2).write_bytes(new)
        paths.manifest(2).write_bytes(description)
        target = chance.choice([paths.checkpoint(2), paths.checkpoint(2), paths.manifest(2)])
        content = damaged(chance, target.read_bytes())
        target.unlink() if content is None else target.write_bytes(content)
        found = newest_valid(paths)
        assert found in ((1, old), (2, new))
        if target == paths.checkpoint(2) and content != new:
            assert found == (1, old)
            complaint = load(paths, manifest)
            assert isinstance(complaint, str)
            assert complaint.startswith("step-00000002.pt ")


def test_when_none_is_valid_none_is_given(paths):
    for step in (1, 2):
        saved(paths, step)
        paths.checkpoint(step).write_bytes(b"")
    assert newest_valid(paths) is None
    assert len(manifests(paths)) == 2, "a run that had checkpoints is not taken for a fresh one"


@pytest.mark.parametrize("file", ["../../secret", "/etc/passwd", "..", "", "a\0b", "x" * 300, "step-00000001.pt"])
def test_a_manifest_cannot_point_elsewhere(paths, tmp_path, file):
    (tmp_path / "secret").write_bytes(DATA)
    good = saved(paths, 1)
    forged = msgspec.structs.replace(good, file=file)
    paths.manifest(1).write_bytes(msgspec.json.encode(forged))
    assert load(paths, manifests(paths)[0]) == DATA
    paths.checkpoint(1).unlink()
    assert load(paths, manifests(paths)[0]) == "step-00000001.pt cannot be read (No such file or directory)"


def test_a_manifest_under_another_steps_name_is_none(paths):
    saved(paths, 1)
    saved(paths, 2)
    paths.manifest(3).write_bytes(paths.manifest(1).read_bytes())
    (paths.checkpoints / "step-x.json").write_bytes(paths.manifest(1).read_bytes())
    (paths.checkpoints / "step-00000009.json").mkdir()
    assert [manifest.step for manifest in manifests(paths)] == [2, 1]


def test_fields_of_a_newer_version_do_not_matter(paths):
    good = saved(paths, 1)
    known = msgspec.json.decode(paths.manifest(1).read_bytes())
    paths.manifest(1).write_bytes(msgspec.json.encode(known | {"ranks": [0, 1]}))
    assert manifests(paths) == [good]
