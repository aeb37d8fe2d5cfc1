"""F21: a store that is missing, read-only, closed or no folder can be looked at as far as it goes; acting on it fails
at once, with one sentence."""

from __future__ import annotations

import os
import pickle

import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.errors import ExitCode, SimclrError
from simclr_tui.launch.start import create
from simclr_tui.store.labels import edit_run
from simclr_tui.store.store import Store
from tests.run_factory import make_run
from tests.training import tiny_plan

PLACES = ("missing", "read-only", "closed", "a file", "someone else's folder")
ACTS = {
    "list": lambda store: [row["name"] for row in Catalog(store).rows()],
    "launch": lambda store: create(store, tiny_plan()).name,
    "remove": lambda store: store.remove(store.find("run1")).name,
    "edit": lambda store: edit_run(store, store.find("run1"), add=["new"]).name,
    "empty the trash": lambda store: store.empty_trash(),
}


def prepared(root, place):
    if place == "a file":
        root.write_text("not a store")
    elif place == "someone else's folder":
        (root / "photos").mkdir(parents=True)
        (root / "photos" / "run.txt").touch()
    elif place != "missing":
        make_run(root, "run1")
        root.chmod(0o555 if place == "read-only" else 0)
        (root / "run1").chmod(0o555)
    return Store(root)


def as_nobody(act, store):
    """What `act` returns, or the error's sentence and exit code, for a user to whom permissions apply."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            try:
                told = act(store)
            except SimclrError as error:
                told = (str(error), int(error.exit_code))
            os.write(writing, pickle.dumps(told))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    assert data, "it ended without a word: an error that is not ours"
    return pickle.loads(data)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("act", ACTS)
def test_looking_works_as_far_as_it_goes_and_acting_fails_in_a_sentence(tmp_path, place, act, fault):
    fault("F21", 1, "acts in stores that are missing, read-only, closed, a file or another's")
    tiny_plan()  # what a plan needs is read before the user changes
    top = tmp_path / "top"
    top.mkdir()
    for folder in (top, *top.parents):
        if folder.is_relative_to("/tmp") and str(folder) != "/tmp":
            folder.chmod(folder.stat().st_mode | 0o555)
    store = prepared(top / "runs", place)
    try:
        told = as_nobody(ACTS[act], store)
    finally:
        if place in ("read-only", "closed"):
            store.root.chmod(0o755)
    if act == "list" and place in ("missing", "someone else's folder", "read-only"):
        assert told == (["run1"] if place == "read-only" else [])
    elif act == "empty the trash" and place != "a file" and place != "closed":
        assert told == 0
    else:
        sentence, code = told
        assert code in (ExitCode.STORE, ExitCode.NOT_FOUND)
        assert " — " in sentence
        assert "\n" not in sentence
        assert "None" not in sentence
    assert sorted(path.name for path in top.iterdir()) == ([] if place == "missing" else ["runs"]), "nothing was made"
