"""F7: a damaged checkpoint is named and passed over; the one before is used."""

from __future__ import annotations

import random

import pytest

from simclr_tui.paths import RunPaths
from simclr_tui.store.checkpoints import load
from tests.run_factory import newest_valid
from tests.run_factory import save_checkpoint as saved

SEED = 7


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    return RunPaths(tmp_path)


def damaged(chance: random.Random, data: bytes) -> bytes | None:
    """One of the ways in which a file goes wrong; None: it is gone."""
    at = chance.randrange(len(data))
    flipped = data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
    page = data[: at // 512 * 512] + bytes(512) + data[at // 512 * 512 + 512 :]
    return chance.choice([flipped, data[:at], b"", page, data + b"\0", chance.randbytes(len(data)), None])


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(paths, fault):
    chance = random.Random(SEED)
    old, new = chance.randbytes(5000), chance.randbytes(5000)
    saved(paths, 1, old)
    manifest = saved(paths, 2, new)
    description = paths.manifest(2).read_bytes()
    for _ in range(fault("F7", 500, "random damages", SEED)):
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
