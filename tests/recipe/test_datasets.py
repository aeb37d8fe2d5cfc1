from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from simclr_tui.errors import DataError, ExitCode
from simclr_tui.recipe import datasets
from simclr_tui.recipe.datasets import KNOWN, check_data, count_images, data_root, folder_of, on_disk, resolve_auto
from simclr_tui.recipe.folders import folder_layout
from simclr_tui.recipe.folders_0_1 import held_out, walk_images
from simclr_tui.recipe.hold_out import held_out as held_out_by_name
from simclr_tui.recipe.image_walk import LeftOut, walk
from simclr_tui.recipe.reading import Reading


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMCLR_DATA", str(tmp_path / "root"))
    monkeypatch.delenv("SIMCLR_OFFLINE", raising=False)
    return tmp_path / "root"


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return folder


def have_cifar10(root: Path) -> None:
    touch(root / "cifar-10-batches-py", *KNOWN["cifar10"].files)


def test_the_module_starts_without_numpy_pil_or_torch():
    code = "import sys, simclr_tui.recipe.datasets; print({'torch', 'numpy', 'PIL', 'socket'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_data_root_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SIMCLR_DATA", "~/images")
    assert data_root() == tmp_path / "images"
    monkeypatch.delenv("SIMCLR_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert data_root() == tmp_path / "xdg" / "simclr-tui"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert data_root() == tmp_path / ".cache" / "simclr-tui"


def test_a_set_is_on_disk_only_with_all_its_files(root):
    assert on_disk("shapes")
    assert not on_disk("cifar10")
    have_cifar10(root)
    assert on_disk("cifar10")
    (root / "cifar-10-batches-py" / "data_batch_3").write_bytes(b"")
    assert not on_disk("cifar10")


@pytest.mark.parametrize("name", ["auto", "shapes", "cifar10", "cifar100", "stl10"])
def test_known_names_pass(name):
    check_data(name)


@pytest.mark.parametrize(
    ("data", "package", "extra"),
    [
        ("h5:FILE", "h5py", "hdf5"),
        ("h5:FILE:images", "h5py", "hdf5"),
        ("parquet:FILE", "pyarrow", "parquet"),
        ("hf:someone/something", "datasets", "hub"),
    ],
)
def test_a_source_whose_library_is_missing_is_refused_with_the_extra_that_brings_it(
    data, package, extra, monkeypatch, tmp_path
):
    touch(tmp_path, "file")
    monkeypatch.setattr("simclr_tui.recipe.data_sources.installed", lambda name: name != package)
    data = data.replace("FILE", str(tmp_path / "file"))
    with pytest.raises(
        DataError, match=rf"^{data.partition(':')[0]}: needs {package} — .*pip install .*simclr-tui\[{extra}\]"
    ):
        check_data(data)


def test_an_unknown_name_is_refused_with_the_nearest_one():
    with pytest.raises(DataError) as caught:
        check_data("cfar10")
    assert caught.value.message == "no data set 'cfar10'"
    assert caught.value.hint.startswith("did you mean cifar10?")
    assert "folder:PATH" in caught.value.hint
    assert caught.value.exit_code == ExitCode.DATA


def test_a_bare_path_is_told_how_to_be_given(tmp_path):
    with pytest.raises(DataError, match="folder:"):
        check_data(str(tmp_path))


@pytest.mark.parametrize("name", ["", "\0", "x" * 5000, "\x1b[31mred"])
def test_odd_names_are_refused_and_shown_safely(name):
    with pytest.raises(DataError) as caught:
        check_data(name)
    assert "\x1b" not in str(caught.value)
    assert "\0" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text("x"), "is not a folder"),
        (lambda path: path.mkdir(), "no images in"),
        (lambda path: touch(path, "notes.txt", ".hidden.jpg", ".git/a.jpg"), "no images in"),
    ],
)
def test_a_folder_that_cannot_be_trained_on_is_refused(tmp_path, make, says):
    make(tmp_path / "images")
    with pytest.raises(DataError, match=says):
        check_data(f"folder:{tmp_path / 'images'}")


@pytest.mark.parametrize("path", ["", "\0", "x" * 5000, "~nobody-of-this-name/x"])
def test_odd_folders_are_refused(path):
    with pytest.raises(DataError):
        check_data(f"folder:{path}")


def test_the_user_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    touch(tmp_path / "x", "a.png")
    check_data("folder:~/x")
    assert folder_of("folder:~/x") == tmp_path / "x"
    assert folder_of("cifar10") is None


def test_subfolders_are_classes(tmp_path):
    touch(tmp_path, "b/1.jpg", "b/2.JPEG", "a/deep/er/3.webp", "a/notes.txt", "empty/x.txt", ".hid/4.jpg", "stray.png")
    layout = folder_layout(tmp_path)
    assert layout.classes == ("a", "b")
    assert layout.train.names == ("a/deep/er/3.webp", "b/1.jpg", "b/2.JPEG")
    assert layout.train.labels == (0, 1, 1)
    assert layout.held_out


@pytest.mark.parametrize("split", ["test", "val"])
def test_train_and_test_splits(tmp_path, split):
    touch(tmp_path, "train/a/1.jpg", "train/b/2.jpg", f"{split}/b/3.jpg", f"{split}/unknown/4.jpg", "extra/c/5.jpg")
    layout = folder_layout(tmp_path)
    assert layout.classes == ("a", "b")
    assert layout.train.names == ("train/a/1.jpg", "train/b/2.jpg")
    assert (layout.test.names, layout.test.labels) == ((f"{split}/b/3.jpg",), (1,))
    assert not layout.held_out


def test_an_unlabelled_test_split_does_not_count(tmp_path):
    touch(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "test/3.jpg")
    layout = folder_layout(tmp_path)
    assert layout.held_out


def test_train_can_be_a_class(tmp_path):
    touch(tmp_path, "car/1.jpg", "plane/2.jpg", "train/3.jpg")
    assert folder_layout(tmp_path).classes == ("car", "plane", "train")


@pytest.mark.parametrize("names", [("b.jpg", "a.png"), ("only/b.jpg", "only/a.png"), ("train/b.jpg", "train/x/a.png")])
def test_images_without_two_classes_are_unlabelled(tmp_path, names):
    layout = folder_layout(touch(tmp_path, *names))
    assert layout.classes == ()
    assert layout.train.names == tuple(sorted(names))
    assert set(layout.train.labels) == {-1}
    assert not layout.held_out


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "ppm", "JPG"])
def test_suffixes(tmp_path, suffix):
    touch(tmp_path, f"a.{suffix}", f"a.{suffix}.txt", "jpg")
    assert list(walk(str(tmp_path), LeftOut())) == list(walk_images(tmp_path)) == [f"a.{suffix}"]


def test_links_are_followed_once(tmp_path):
    touch(tmp_path / "images", "a/1.jpg", "b/2.jpg")
    touch(tmp_path / "elsewhere", "3.jpg")
    (tmp_path / "images" / "a" / "loop").symlink_to(tmp_path / "images" / "a")
    (tmp_path / "images" / "c").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "images" / "a" / "broken.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert folder_layout(tmp_path / "images").train.names == ("a/1.jpg", "b/2.jpg", "c/3.jpg")


def test_counts_of_known_sets(root):
    assert count_images("cifar10", 0) == 50_000
    assert count_images("stl10", 0) == 105_000
    assert count_images("shapes", 500) == 500
    assert count_images("shapes", 50_000) == 10_000
    assert count_images("auto", 0) is None
    have_cifar10(root)
    assert count_images("auto", 0) == 50_000


def test_counts_of_folders(tmp_path):
    touch(tmp_path, *(f"a/{i}.jpg" for i in range(30)), *(f"b/{i}.jpg" for i in range(11)))
    held = sum(held_out_by_name(folder_layout(tmp_path).train.names, folder_layout(tmp_path).train.labels))
    assert count_images(f"folder:{tmp_path}", 0) == 41 - held
    assert count_images(f"folder:{tmp_path}", 0, Reading(split="0.1")) == 27 + 10
    assert count_images(f"folder:{tmp_path}", 5) == 5
    touch(tmp_path / "split", "train/a/1.jpg", "train/b/1.jpg", "test/a/2.jpg")
    assert count_images(f"folder:{tmp_path / 'split'}", 0) == 2


@pytest.mark.parametrize("data", ["nonsense", "folder:/nowhere/at/all", "folder:"])
def test_what_cannot_be_counted_is_none(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a folder without a path is this one
    assert count_images(data, 0) is None


def test_a_tenth_is_held_out_and_one_at_least():
    assert [held_out(images) for images in (0, 1, 2, 19, 20, 5000)] == [0, 0, 1, 1, 2, 500]


def test_auto_takes_cifar10_from_the_disk(root, monkeypatch):
    have_cifar10(root)
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    name, reason = resolve_auto()
    assert name == "cifar10"
    assert str(root) in reason


def test_auto_draws_shapes_where_downloads_are_forbidden(monkeypatch):
    monkeypatch.setenv("SIMCLR_OFFLINE", "1")
    name, reason = resolve_auto()
    assert name == "shapes"
    assert "SIMCLR_OFFLINE" in reason


def test_auto_draws_shapes_where_the_host_does_not_answer(monkeypatch):
    monkeypatch.setattr(datasets, "DOWNLOAD_HOST", "host.invalid")  # reserved: never resolves
    name, reason = resolve_auto()
    assert name == "shapes"
    assert "cannot be reached" in reason


def test_a_host_is_reachable_when_it_accepts_a_connection():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert datasets.reachable("127.0.0.1", port)
    assert not datasets.reachable("127.0.0.1", port)
