"""`simclr data` looks at images, and lists and frees what decoded ones take."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from simclr_tui.cli.commands.data import app


@pytest.fixture
def images(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("SIMCLR_DATA", str(tmp_path / "kept"))
    for number in range(12):
        file = tmp_path / "xrays" / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 4096, (20, 20)).astype(np.uint16)).save(file)
    return tmp_path / "xrays"


def test_inspect_ends_in_a_command_to_copy(images):
    done = CliRunner().invoke(app, ["inspect", f"folder:{images}"])
    assert done.exit_code == 0, done.output
    assert "PNG, 1 channel of uint16" in done.output
    assert f"simclr run --data folder:{images} --image-size 32" in done.output
    found = CliRunner().invoke(app, ["inspect", f"folder:{images}", "--json", "--labels", "none"])
    assert json.loads(found.stdout)["classes"] == {}


def test_what_decoded_images_take_is_listed_and_freed(images):
    entry = images.parent / "kept" / "decoded" / "x"
    entry.mkdir(parents=True)
    (entry / "meta.json").write_text(json.dumps({"data": "folder:/mine"}))
    assert "folder:/mine" in CliRunner().invoke(app, ["ls"]).output
    CliRunner().invoke(app, ["clean"])
    assert entry.exists()
    assert "folder:/mine" in CliRunner().invoke(app, ["clean", "--all"]).output
    assert not entry.exists()


def test_what_was_unused_for_a_month_is_freed_and_its_size_is_told(images):
    entry = images.parent / "kept" / "decoded" / "x"
    entry.mkdir(parents=True)
    (entry / "meta.json").write_text(json.dumps({"data": "folder:/mine"}))
    (entry / "train.npy").write_bytes(np.random.default_rng(0).bytes(3_000_000))
    os.utime(entry / "meta.json", (time.time() - 31 * 86_400,) * 2)
    listed = CliRunner().invoke(app, ["ls"]).output
    assert re.search(r"folder:/mine +3\.0 MB +31 days ago", listed), listed
    assert "nothing unused for 40 days" in CliRunner().invoke(app, ["clean", "--unused", "40"]).output
    assert entry.exists()
    assert "freed 3.0 MB: folder:/mine" in CliRunner().invoke(app, ["clean"]).output
    assert not entry.exists()
