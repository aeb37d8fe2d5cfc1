"""Checkpoints as files: one is always whole; damage is named; nothing is taken for what it is not."""

from __future__ import annotations

import msgspec
import pytest

from simclr_tui.errors import NotFoundError, RecipeError
from simclr_tui.paths import RunPaths
from simclr_tui.store.checkpoints import best_of, chosen_step, load, manifests, prune
from tests.run_factory import CHECKPOINT as DATA
from tests.run_factory import newest_valid
from tests.run_factory import save_checkpoint as saved


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    return RunPaths(tmp_path)


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


def test_the_best_is_kept_besides_the_newest_two_and_the_earliest_of_equals_is_the_best(paths):
    kept = [saved(paths, step, knn=knn) for step, knn in enumerate((0.3, 0.6, 0.6, None, 0.5, 0.4), start=1)]
    best = best_of(kept)
    assert best == kept[1]
    prune(paths, best=best)
    assert [manifest.step for manifest in manifests(paths)] == [6, 5, 2]
    assert best_of(manifests(paths)) == best
    prune(paths)
    assert [manifest.step for manifest in manifests(paths)] == [6, 5], "what does not count as the best goes"
    assert best_of([]) is best_of([saved(paths, 7)]) is None


def test_a_checkpoint_is_chosen_by_newest_best_or_step(paths):
    saved(paths, 1)
    with pytest.raises(NotFoundError, match="no best checkpoint: none was saved with a kNN accuracy on validation"):
        chosen_step(paths, "best")
    for step, knn in ((2, 0.5), (3, 0.25)):
        saved(paths, step, knn=knn)
    assert [chosen_step(paths, which) for which in ("newest", "best", "3", "1")] == [None, 2, 3, 1]
    with pytest.raises(NotFoundError, match="no checkpoint at step 9") as missing:
        chosen_step(paths, "9")
    assert missing.value.hint == "there are: 1, 2, 3"
    for wrong in ("", "last", "-1", "1.5", "²"):
        with pytest.raises(RecipeError, match="--checkpoint is newest, best or a step"):
            chosen_step(paths, wrong)
