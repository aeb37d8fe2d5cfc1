"""F39: what acts on a run takes its name in full; a prefix means another run once the first is gone."""

from __future__ import annotations

import sys

import pytest

import simclr_tui
from simclr_tui.cli.main import main
from simclr_tui.errors import ExitCode, NotFoundError
from simclr_tui.store.store import Store
from tests.run_factory import make_run

ACTING = (
    ["rm", "--yes"],
    ["stop"],
    ["stop", "--kill"],
    ["edit", "--note", "mine"],
    ["edit", "--name", "other"],
    ["resume", "--detach"],
    ["queue", "rm"],
    ["queue", "move", "--first"],
)
LOOKING = (["show"], ["logs"])


@pytest.fixture
def store(tmp_path):
    for name in ("run10", "run2"):
        make_run(tmp_path / "runs", name)
    return Store(tmp_path / "runs")


@pytest.fixture
def call(store, capfd, monkeypatch):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["simclr", *words, "--runs", str(store.root)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, capfd.readouterr().err

    return call


@pytest.mark.parametrize("words", ACTING, ids=" ".join)
def test_a_prefix_acts_on_nothing(store, call, words, fault):
    fault("F39", 1, "commands that act, given a prefix")
    before = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file() and path.suffix == ".json"}
    code, said = call(*words, "run1")
    assert code == ExitCode.NOT_FOUND
    assert "no run 'run1'" in said
    assert "give the full name: run10" in said
    assert {path: path.read_bytes() for path in before} == before


def test_after_names_its_runs_in_full(call):
    code, said = call("run", "--preset", "quick", "--after", "run1")
    assert (code, "give the full name: run10" in said) == (ExitCode.NOT_FOUND, True)


def test_the_library_takes_names_in_full(store):
    with pytest.raises(NotFoundError, match="no run 'run1'"):
        simclr_tui.open_run("run1", store.root)
    assert simclr_tui.open_run("run10", store.root).name == "run10"


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_what_only_looks_takes_a_prefix_and_says_which_it_took(call, words):
    code, said = call(*words, "run1")
    assert (code, "run1 is run10" in said) == (0, True)


def test_last_is_said_before_it_is_acted_on(store, call):
    make_run(store.root, "newest", created=99.0)
    code, said = call("rm", "--yes", "@last")
    assert code == 0
    assert said.index("@last is newest") < said.index("Moved newest")
