"""The table of verbs against the verbs themselves, and the help page that is drawn from it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import simclr_tui.cli.commands
from simclr_tui.cli.lazy_group import VerbGroup
from simclr_tui.cli.main import app
from simclr_tui.cli.verbs import VERBS
from tests.run_factory import make_run


def page(width: int, *words: str, **environment: str) -> str:
    command = [sys.executable, "-m", "simclr_tui.cli.main", *words]
    environment = os.environ | {"COLUMNS": str(width)} | environment
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)
def test_the_table_says_of_a_verb_what_it_says_of_itself(verb):
    command = typer.main.get_command(app).commands[verb.name]
    assert " ".join(command.help.split("\n\n")[0].split()) == verb.help
    assert command.name == verb.name


def test_every_module_of_a_verb_is_in_the_table():
    modules = {path.stem for path in Path(simclr_tui.cli.commands.__file__).parent.glob("[a-z]*.py")}
    assert modules == {verb.target.partition(":")[0] for verb in VERBS.values()}


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_the_page_holds_every_verb_and_option_in_a_frame_of_that_width(width):
    lines = page(width, "--help").splitlines()
    framed = [line for line in lines if line[:1] in "╭│╰" and line]
    assert {len(line) for line in framed} == {width}
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(line.strip("│╭╮╰╯─ ") for line in lines).split())
    for verb in VERBS.values():
        assert f"{verb.name} {verb.help}" in text
    for option in ("--version Print the version and exit.", "--help, -h", "--install-completion", "--show-completion"):
        assert option in text
    assert "130 interrupted" in text


def test_the_page_is_printed_without_a_verb_too_and_in_ascii_where_there_is_no_more():
    assert page(80) == page(80, "-h").removesuffix("\n")
    ascii_page = page(80, "--help", PYTHONIOENCODING="ascii")
    assert ascii_page.isascii()
    assert "+- Train --" in ascii_page


def test_completion_offers_the_verbs_that_begin_so():
    words = {"_MAIN_COMPLETE": "complete_bash", "COMP_WORDS": "main e", "COMP_CWORD": "1"}
    code = "import sys; sys.argv = ['main']; from simclr_tui.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | words, check=False
    )
    assert done.stdout.split() == [name for name in VERBS if name.startswith("e")], done.stderr


def test_the_group_imports_no_verb_to_name_them():
    group = typer.main.get_command(app)
    assert isinstance(group, VerbGroup)
    assert list(group.commands) == list(VERBS)
    assert len(group.commands) == len(VERBS)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("run --preset q", ["quick"]),
        ("run --optimizer l", ["lars"]),
        ("run --data ci", ["cifar10", "cifar100"]),
        ("sweep --preset paper", ["paper-cifar10", "paper-imagenet"]),
        ("show two", ["two"]),
    ],
)
def test_completion_offers_the_values_of_closed_lists_and_the_runs(words, offered, tmp_path):
    make_run(tmp_path, "one")
    make_run(tmp_path, "two")
    asked = {
        "_MAIN_COMPLETE": "complete_bash", "COMP_WORDS": f"main {words}", "COMP_CWORD": str(len(words.split())),
        "SIMCLR_RUNS": str(tmp_path),
    }  # fmt: skip
    code = "import sys; sys.argv = ['main']; from simclr_tui.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | asked, check=False
    )
    assert done.stdout.split() == offered, done.stderr
