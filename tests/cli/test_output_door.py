"""One door for output: no verb has another, and nothing that a terminal could act on passes it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import msgspec
import pytest

import simclr_tui.cli
from simclr_tui.cli import streams
from simclr_tui.store.store import Store
from tests.run_factory import make_run, metric_line, write_metrics

CLI = Path(simclr_tui.cli.__file__).parent
HOSTILE = "\x1b[2J\x1b]0;t\x07\x9b31m\x7f\u202egnp.exe\u202c\u2028x"
WRITES = {"print", "typer.echo", "typer.secho", "typer.confirm", "typer.prompt", "sys.stdout.write", "sys.stderr.write"}
DOORS = {"streams.py": WRITES, "live_line.py": set()}  # the live line sanitises what it is given
DRAWS_WITH_RICH = {"live_line.py", "output.py"}


@pytest.mark.parametrize("path", sorted(CLI.rglob("*.py")), ids=lambda path: path.name)
def test_no_module_of_the_command_line_writes_past_the_door(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in WRITES:
            assert path.name in DOORS, f"{ast.unparse(node)} in line {node.lineno}"
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.partition(".")[0] == "rich" for name in names):
            assert path.name in DRAWS_WITH_RICH, f"rich in line {node.lineno}"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Runs that have hostile text wherever others can write it."""
    root = tmp_path_factory.mktemp("hostile") / "runs"
    for name in ("run1", "run2"):
        run = make_run(root, name, tags=[HOSTILE], note=HOSTILE, state="failed", reason=HOSTILE, steps=9,
                       summary={"loss": 1.0, "knn": 0.5})  # fmt: skip
        write_metrics(run.paths, 1, [metric_line(step, loss=5.0 - step, **{HOSTILE: 1.0}) for step in (1, 2)])
        state = msgspec.json.decode(run.paths.state.read_bytes())
        state |= {"activity": HOSTILE, "flags": [HOSTILE], "facts": {"device": HOSTILE}}
        run.paths.state.write_bytes(msgspec.json.encode(state))
        run.paths.attempt(1).log.write_text(HOSTILE)
        (run.paths.attempt(1).root / "events.jsonl").write_text(
            json.dumps({"event": "failed", "wall": 1.0, "time": 1.0, "message": HOSTILE}) + "\n"
        )
    Store(root).remove(make_run(root, "gone"))
    trashed = next((root / ".trash").iterdir())
    trashed.rename(trashed.with_name(trashed.name.replace("gone", HOSTILE)))
    config = root.parent / "config" / "simclr-tui"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(f"theme = {json.dumps(HOSTILE)}\nnotify = [{json.dumps(HOSTILE)}]\n")
    return root


VERBS = [
    ["ls"], ["ls", "--json"], ["ls", "--wide"], ["ls", "--group", "tags"], ["show", "run1"], ["show", "run1", "--json"],
    ["compare", "run1", "run2"], ["compare", "run1", "run2", "--json"], ["compare", "run1", "run2", "--csv"],
    ["compare", "run1", "run2", "--markdown"], ["compare", "run1", "run2", "-m", HOSTILE], ["logs", "run1"],
    ["attach", "run1"], ["edit", "run1", "--tag", HOSTILE], ["trash", "ls"], ["trash", "restore", HOSTILE],
    ["config", "ls"], ["config", "ls", "--json"], ["config", "get", "theme"], ["config", "get", HOSTILE],
    ["queue", "ls", "--json"], ["sweep", "ls"], ["sweep", "show", HOSTILE], ["show", HOSTILE], ["ls", f"--{HOSTILE}"],
    [HOSTILE], ["export", "run1", "--metrics", f"{HOSTILE}/x.{HOSTILE}"], ["run", "--data", HOSTILE],
]  # fmt: skip


def test_nothing_a_terminal_could_act_on_leaves_any_verb(store):
    code = (
        "import contextlib, json, sys\n"
        "from simclr_tui.cli.main import main\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    sys.argv = ['simclr', *words]\n"
        "    with contextlib.suppress(SystemExit):\n"
        "        main()\n"
    )
    environment = os.environ | {"SIMCLR_RUNS": str(store), "XDG_CONFIG_HOME": str(store.parent / "config")}
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(VERBS)], capture_output=True, env=environment, check=False
    )
    for written in (done.stdout.decode(), done.stderr.decode()):
        assert "Traceback" not in written
        bad = {char for char in written if char != "\n" and unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")}
        assert not bad, bad
        assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(written)
    assert "gnp.exe" in done.stdout.decode()
    shown = subprocess.run(
        [sys.executable, "-m", "simclr_tui.cli.main", "show", "run1", "--json"], capture_output=True, env=environment,
        check=True,
    )  # fmt: skip
    assert json.loads(shown.stdout)["note"] == HOSTILE, "JSON is escaped, not changed"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_prints(store, encoding):
    environment = os.environ | {"SIMCLR_RUNS": str(store), "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "simclr_tui.cli.main"]
    for words in (["ls"], ["ls", "--json"], ["compare", "run1", "run2"]):
        done = subprocess.run([*command, *words], capture_output=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        done.stdout.decode(encoding)
        if "--json" in words:
            assert json.loads(done.stdout)[0]["note"] == HOSTILE


def test_a_reader_that_leaves_early_is_no_error(store):
    code = "from simclr_tui.cli.main import main; import sys; sys.argv = ['simclr', 'show', 'run1']; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"SIMCLR_RUNS": str(store)},
    )  # fmt: skip
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == b""


def test_a_full_disk_is_one_sentence(store):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "simclr_tui.cli.main", "ls"], stdout=full, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"SIMCLR_RUNS": str(store)}, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "No space left" in done.stderr


def test_only_colours_pass_among_our_own_marks(capsys):
    streams.write("\x1b[31mred\x1b[0m\x1b[2J", styled=True)
    assert capsys.readouterr().out == "red␛[2J\n", "no colour where there is no terminal"
    assert streams._styled("\x1b[31mred\x1b[0m\x1b[2J", colours=True) == "\x1b[31mred\x1b[0m␛[2J"
