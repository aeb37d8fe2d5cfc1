"""Names, finding, deleting: nothing outside the store is ever touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simclr_tui import open_run, runs
from simclr_tui.errors import ExitCode, NotFoundError, StoreError
from simclr_tui.store.names import check_name, natural_key
from simclr_tui.store.state import write_state
from simclr_tui.store.store import Store
from tests.run_factory import make_run

CLAIMING = """
import sys
from pathlib import Path
from simclr_tui.store.store import Store
from simclr_tui.errors import StoreError
store = Store(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    try:
        print(store.claim(sys.argv[2] and f"{sys.argv[2]}{number}" or None).name, flush=True)
    except StoreError as error:
        assert "already exists" in error.message
"""


def race(root: Path, prefix: str) -> list[str]:
    """Eight processes claim forty names each, all at once; every name that one of them was given."""
    command = [sys.executable, "-c", CLAIMING, str(root), prefix]
    racers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, bufsize=1) for _ in range(8)
    ]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    names = [name for racer in racers for name in racer.communicate(timeout=60)[0].split()]
    assert all(racer.returncode == 0 for racer in racers)
    return names


def test_a_number_is_given_to_one_of_many_processes(tmp_path):
    names = race(tmp_path / "runs", "")
    assert sorted(names, key=natural_key) == [f"run{number}" for number in range(1, 321)]


def test_a_name_is_given_to_one_of_many_processes(tmp_path):
    names = race(tmp_path / "runs", "mine")
    assert sorted(names, key=natural_key) == [f"mine{number}" for number in range(40)]


def test_a_number_is_not_given_twice_even_after_removal(tmp_path):
    store = Store(tmp_path)
    assert [make_run(tmp_path).name for _ in range(3)] == ["run1", "run2", "run3"]
    store.remove(store.run("run3"))
    assert store.claim().name == "run4"
    make_run(tmp_path, "run20240101-best")
    make_run(tmp_path, "run07")
    assert store.claim().name == "run8"


HOSTILE = [
    "", ".", "..", "../x", "../../etc/passwd", "/", "/etc/passwd", "a/b", "a/../b", "~", "~root", "-rf", "--help", "-",
    "_", "a\0b", "\0", "a\nb", "\n", "a b", " a", "a ", "\t", "🙂", "a🙂", "$(touch pwned)", "`touch pwned`", "a;b",
    "a|b", "a&b", "*", "a?", "[a]", "a'b", 'a"b', "a\\b", "x" * 101, "x" * 300, "語" * 99, ".hidden", ".trash",
    "a.db", "catalog.db", "a.tmp", "\x1b[31m", "a\x1b]0;x\x07", "\u202ea", "a\u202eb", "\ud800", "a\udcff", "a:b",
    "a%b", "a,b", "@last", "@best", "+a", "=a", "a#b", "<a>", "con|", "\x7f", "a\x85", "\ufeffa", "a\u0301", "‮",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_is_refused_in_a_sentence(tmp_path, name):
    with pytest.raises(StoreError) as caught:
        Store(tmp_path / "runs").claim(name)
    assert caught.value.hint
    assert caught.value.message.isprintable()
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=120))
def test_a_name_is_refused_or_can_be_removed_and_restored(tmp_path_factory, name):
    store = Store(tmp_path_factory.mktemp("runs"))
    try:
        check_name(name)
    except StoreError:
        with pytest.raises((NotFoundError, StoreError)):
            store.restore(name)
        return
    run = make_run(store.root, name)
    assert store.names() == [name]
    assert store.find(name).path == run.path
    store.remove(run)
    assert store.names() == []
    assert store.restore(name).info.name == name


@pytest.mark.parametrize(
    "word",
    [*(word for word in HOSTILE if word[:1] != "@"), "x/" * 3000, "/" + "x" * 300],
    ids=lambda word: ascii(word)[:30],
)
def test_nothing_is_found_under_a_hostile_word(tmp_path, word):
    make_run(tmp_path / "runs")
    with pytest.raises(NotFoundError) as caught:
        Store(tmp_path / "runs").find(word)
    assert caught.value.message.isprintable()


def test_a_run_is_found_by_name_prefix_and_path(tmp_path, monkeypatch):
    for name in ("run1", "run10", "run2", "paper-a", "paper-b", "quick"):
        make_run(tmp_path, name)
    store = Store(tmp_path)
    assert store.names() == ["paper-a", "paper-b", "quick", "run1", "run2", "run10"]
    assert store.find("run1").name == "run1"
    assert store.find("qu").name == "quick"
    assert store.find(str(tmp_path / "run2")).name == "run2"
    monkeypatch.chdir(tmp_path / "run10")
    assert Store(Path("elsewhere")).find("./").name == "run10"
    with pytest.raises(NotFoundError, match="could mean paper-a, paper-b"):
        store.find("paper")
    with pytest.raises(NotFoundError, match="did you mean quick"):
        store.find("quikc")
    with pytest.raises(NotFoundError) as caught:
        store.find("zzzz")
    assert caught.value.exit_code == ExitCode.NOT_FOUND


def test_last_and_best_pass_over_runs_that_cannot_be_read(tmp_path):
    store = Store(tmp_path)
    for word in ("@last", "@best"):
        with pytest.raises(NotFoundError):
            store.find(word)
    make_run(tmp_path, "old", created=1.0, summary={"knn": 0.8})
    make_run(tmp_path, "young", created=3.0, summary={"knn": 0.7})
    make_run(tmp_path, "unmeasured", created=2.0, summary={"loss": 0.1})
    damaged = make_run(tmp_path, "damaged", created=9.0, summary={"knn": 0.99})
    damaged.paths.info.write_bytes(b"\xff{")
    damaged.paths.state.write_bytes(b"")
    assert store.find("@last").name == "young"
    assert store.find("@best").name == "old"
    with pytest.raises(NotFoundError, match="@last, @best"):
        store.find("@worst")


def test_best_is_of_runs_that_finished_in_health_and_were_measured_alike(tmp_path):
    store = Store(tmp_path)
    make_run(tmp_path, "good", {"data": "shapes"}, summary={"knn": 0.8})
    make_run(tmp_path, "stopped", {"data": "shapes"}, state="stopped", summary={"knn": 0.9})
    collapsed = make_run(tmp_path, "collapsed", {"data": "shapes"}, summary={"knn": 0.95})
    write_state(collapsed.paths, msgspec.structs.replace(collapsed.status, flags=("collapsed",)))
    assert store.find("@best").name == "good"
    make_run(tmp_path, "other", {"data": "cifar10"}, summary={"knn": 0.5})
    with pytest.raises(NotFoundError, match=r"differ in data — .*good \(shapes\), other \(cifar10\)"):
        store.find("@best")


def test_only_run_folders_are_listed(tmp_path):
    make_run(tmp_path, "run1")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "catalog.db").touch()
    (tmp_path / os.fsdecode(b"\xff")).mkdir()
    assert Store(tmp_path).names() == ["run1"]
    assert Store(tmp_path / "none").names() == []
    assert not (tmp_path / "none").exists(), "looking makes nothing"
    with pytest.raises(StoreError, match="cannot read the run store"):
        Store(tmp_path / "file").names()


@pytest.mark.parametrize("name", [None, "mine"])
def test_a_store_that_cannot_be_written_says_so(tmp_path, name):
    (tmp_path / "file").touch()
    for root in (tmp_path / "file", tmp_path / "file" / "deeper", Path("/proc/runs"), tmp_path / ("x" * 300)):
        with pytest.raises(StoreError, match="cannot write to the run store") as caught:
            Store(root).claim(name)
        assert caught.value.exit_code == ExitCode.STORE
        assert "None" not in caught.value.message


def as_nobody(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run as a user to whom permissions apply, which they do not for root."""
    drop = "import os\nif os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
    imports = "import sys\nfrom pathlib import Path\nfrom simclr_tui.store.store import Store\n"
    command = [sys.executable, "-c", imports + drop + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_read_only_store_can_be_read_and_says_that_it_cannot_be_written(tmp_path):
    root = tmp_path / "runs"
    make_run(root, "run1", summary={"knn": 0.5})
    make_run(root, "closed")
    (root / "closed").chmod(0)
    root.chmod(0o555)
    for folder in (root, *root.parents):
        if folder != Path("/") and folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o555)
    code = """
from simclr_tui.errors import StoreError
store = Store(Path(sys.argv[1]))
print(store.names(), store.find("@best").state)
for act in (store.claim, lambda: store.remove(store.run("run1"))):
    try:
        act()
    except StoreError as error:
        print(error)
"""
    try:
        done = as_nobody(code, root)
    finally:
        root.chmod(0o755)
        (root / "closed").chmod(0o755)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "['run1'] finished"
    assert lines[1].startswith("cannot write to the run store")
    assert lines[2].startswith("cannot move run1 to the trash")


def test_removing_restoring_and_emptying(tmp_path):
    store = Store(tmp_path)
    run = make_run(tmp_path, "mine", note="first")
    where = store.remove(run)
    assert store.names() == []
    assert store.trash() == [where]
    make_run(tmp_path, "mine", note="second")
    with pytest.raises(StoreError, match="exists again"):
        store.restore("mine")
    store.remove(store.run("mine"))
    assert store.restore("mine").info.note == "second", "the newest of that name"
    (tmp_path / ".trash" / ".DS_Store").touch()
    (tmp_path / ".trash" / "stray.12").touch()
    assert where in store.trash()
    with pytest.raises(NotFoundError):
        store.restore("other")
    assert store.empty_trash() == 2
    assert store.trash() == []
    assert store.names() == ["mine"]
    assert store.empty_trash() == 0
    assert Store(tmp_path / "none").trash() == []


def test_emptying_the_trash_does_not_follow_links(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").touch()
    store = Store(tmp_path / "runs")
    run = make_run(store.root, "mine")
    (run.path / "data").symlink_to(precious)
    store.remove(run)
    (store.root / ".trash" / "link.5").symlink_to(precious)
    assert store.empty_trash() == 2
    assert (precious / "thesis.tex").exists()


def test_a_link_to_a_run_elsewhere_is_not_removed(tmp_path):
    elsewhere = make_run(tmp_path / "elsewhere", "run1")
    store = Store(tmp_path / "runs")
    store.root.mkdir()
    (store.root / "linked").symlink_to(elsewhere.path)
    assert store.names() == ["linked"]
    with pytest.raises(StoreError, match="not a folder of"):
        store.remove(store.run("linked"))
    with pytest.raises(StoreError, match="not a folder of"):
        store.remove(elsewhere)
    with pytest.raises(StoreError):
        store.remove(store.run("../elsewhere/run1"))
    assert elsewhere.info.name == "run1"


def test_a_damaged_run_can_be_removed_and_a_training_one_cannot(tmp_path):
    store = Store(tmp_path)
    damaged = make_run(tmp_path, "damaged")
    damaged.paths.state.write_bytes(b"\xff")
    store.remove(damaged)
    assert store.names() == []
    training = make_run(tmp_path, "training")
    training.paths.state.write_bytes(b"\xff")
    code = "import sys; from pathlib import Path; from simclr_tui.atomic import Lock\n"
    code += "lock = Lock(Path(sys.argv[1])); lock.acquire(); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(training.paths.lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        with pytest.raises(StoreError, match="is training"):
            store.remove(training)
        holder.stdin.close()
    store.remove(training)


def test_the_public_face_opens_runs(tmp_path):
    make_run(tmp_path, "run10", flags={"seed": 4})
    make_run(tmp_path, "run9")
    assert [run.name for run in runs(tmp_path)] == ["run9", "run10"]
    assert open_run("run10", tmp_path).recipe.seed == 4
    assert open_run(tmp_path / "run9").state == "finished"


def test_runs_under_names_that_no_run_can_have_are_those_of_the_last_listing(tmp_path):
    for name in ("my run", ".hidden"):
        make_run(tmp_path, name="moved").path.rename(tmp_path / name)
    make_run(tmp_path, name="run1")
    (tmp_path / "no run").mkdir()
    store = Store(tmp_path)
    assert store.misnamed() == ["my run"]
    (tmp_path / "my run").rename(tmp_path / "our run")
    assert store.names() == ["run1"]
    assert store.misnamed() == ["our run"]
    assert Store(tmp_path / "nowhere").misnamed() == []
