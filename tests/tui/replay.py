"""One sitting at the dashboard in a real terminal in which every action of the table is pressed, and what it leaves.

`python -m tests.tui.replay STORE [PYTHONPATH]` plays it, with the dashboard of another version if its path is given,
and prints what is left as JSON, so that two versions can be compared.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from simclr_tui.errors import StoreError
from simclr_tui.launch.metadata import Metadata
from simclr_tui.launch.queue.queue import enqueue, pause, waiting_runs, why_paused
from simclr_tui.launch.start import start
from simclr_tui.launch.stop import kill
from simclr_tui.paths import LAYOUT
from simclr_tui.store.run import Run, Trial
from simclr_tui.store.store import Store
from simclr_tui.sweep.folder import Sweep, SweepFolder
from simclr_tui.tui.actions import ACTIONS
from tests.training import tiny_plan, tiny_run, train_in_process
from tests.tui.real_terminal import Terminal

SHELL = (sys.executable, str(Path(__file__).parent / "shell.py"))
DASHBOARD = ("-m", "simclr_tui.cli.main", "tui", "--runs")
ENDLESS = {"epochs": 100_000, "knn_every": 0, "checkpoint_every": 10_000, "subset": 32}
_NAMED_KEYS = {
    "slash": "/", "question_mark": "?", "equals_sign": "=", "left_square_bracket": "[", "right_square_bracket": "]",
    "escape": "\x1b", "delete": "\x1b[3~", "left_parenthesis": "(", "right_parenthesis": ")",
    "left_curly_bracket": "{", "right_curly_bracket": "}", "vertical_line": "|", "comma": ",", "full_stop": ".",
    "less_than_sign": "<", "greater_than_sign": ">", "plus": "+", "minus": "-", "space": " ", "enter": "\r",
    "tab": "\t", "shift+tab": "\x1b[Z", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
    "shift+up": "\x1b[1;2A", "shift+down": "\x1b[1;2B", "shift+right": "\x1b[1;2C", "shift+left": "\x1b[1;2D",
}  # fmt: skip
EVERY = frozenset((where, action.id) for action in ACTIONS for where in action.where.split())
SIZE = (200, 40)
STAYS_AWAY = 0.3  # seconds
IN_CHARTS = "arrows read values"
CLEAR = "\x15"  # what stands in an input, to its left


def key_bytes(key: str) -> str:
    """What a terminal sends for a key of the table."""
    if key.startswith("ctrl+"):
        return chr(ord(key[-1]) & 0x1F)
    return _NAMED_KEYS.get(key, key)


def prepare(root: Path) -> None:
    """Make a trained run, the only trial of a sweep, and three that wait in a paused queue."""
    store = Store(root)
    assert train_in_process(tiny_run(root, epochs=1)).returncode == 0
    store.run("run1").path.rename(root / "base")
    base = store.run("base")
    base.write_info(msgspec.structs.replace(base.info, trial=Trial(sweep="tries", number=0)))
    folder = SweepFolder(store, "tries")
    folder.root.mkdir(parents=True)
    folder.write(Sweep(name="tries", sampler="grid", trials=1, seeds=(0,), listed=({"temp": 0.5},)))
    pause(store)
    for name in ("first", "second", "third"):
        enqueue(store, tiny_plan(), Metadata(name=name))


def start_live(root: Path) -> None:
    """Start a run that trains without end."""
    start(Store(root), tiny_plan(**ENDLESS), Metadata(name="live"))


class Replay:
    """Types what the table says; `acted` has every action that was pressed, with its screen."""

    first = "base"  # the run whose name says that the list is there
    patience = 120.0  # seconds until what is waited for is missed

    def __init__(self, root: Path, pythonpath: str = "", pause: float = 0.0) -> None:
        self.pause = pause
        self.root, self.out = root, root.parent / "out"
        self.out.mkdir(exist_ok=True)
        self.store = Store(root)
        self._env = {"PYTHONPATH": pythonpath, "PYTHONSAFEPATH": "1"} if pythonpath else {}
        self.acted: set[tuple[str, str]] = set()
        self.took: dict[str, float] = {}  # seconds since the start, by part

    def open(self, *shown: str) -> None:
        """Start the dashboard in a terminal so wide that no line of it is cut."""
        self.terminal = Terminal(
            self.root,
            size=SIZE,
            command=(*DASHBOARD, str(self.root)),
            shell=SHELL,
            XDG_STATE_HOME=str(self.root.parent / "state"),
            **self._env,
        )
        self.sees(*shown or (self.first,))

    def sees(self, *words: str) -> None:
        self.until(lambda: all(word in self.terminal.text for word in words))

    def until(self, condition) -> None:
        self.terminal.until(condition, self.patience)

    def told(self, words: str) -> None:
        """Until a notice says so, however its lines are broken."""
        self.until(lambda: words in " ".join(re.sub("[│▌▐▎┃┌┐└┘─]", " ", self.terminal.text).split()))

    def rest(self) -> None:
        """Wait as a person does before the next key."""
        if self.pause:
            self.terminal.still(self.pause)

    def act(self, id: str, *shown: str, where: str = "main", key: int = 0) -> None:
        """Press the key of an action, and wait for what it shows."""
        action = next(action for action in ACTIONS if action.id == id and action.is_in(where))
        self.acted.add((where, id))
        self.terminal.type(key_bytes(action.keys.split(",")[key]))
        self.sees(*shown)
        if shown:
            self.rest()

    def leave_charts(self) -> None:
        """Escape and a key right behind it would be one key with Alt, so its effect is waited for."""
        self.rest()
        self.act("back")
        self.gone(IN_CHARTS)
        self.rest()

    def go(self, name: str) -> None:
        """Put the cursor on a run, alone in the list."""
        self.act("filter")
        self.rest()
        self.terminal.type(f"{CLEAR}{name}\r")
        self.until(lambda: re.search(rf"Runs 1 of \d+ / {name}\b", self.terminal.text))
        self.until(lambda: self.terminal.screen.display[2].startswith("│   run"))  # in place of the filter
        self.rest()

    def answer(self, text: str) -> None:
        """Type over what stands in a dialog, and wait until it has gone."""
        self.type_and_lose(f"{CLEAR}{text}\r", "esc cancel")
        self.rest()

    def type_and_lose(self, keys: str, words: str) -> None:
        """Type what takes words off the screen, once they are there, and wait until they have gone."""
        self.sees(words)
        self.terminal.type(keys)
        self.gone(words)

    def gone(self, words: str) -> None:
        """Until words are off the screen for good: while a frame is painted they can be off it for a moment."""
        seen = time.monotonic()

        def stays_away() -> bool:
            nonlocal seen
            if words in self.terminal.text:
                seen = time.monotonic()
            return time.monotonic() - seen > STAYS_AWAY

        self.until(stays_away)

    def state(self, name: str, *wanted: str) -> None:
        self.until(lambda: self._state_of(name) in wanted)

    def _state_of(self, name: str) -> str:
        """Return the state of a run; empty while it is only being made."""
        try:
            return Run(self.root / name).status.state
        except StoreError:
            return ""

    # The sitting.

    def play(self) -> None:
        began = time.monotonic()
        self.open()
        for part in self.parts():
            part()
            self.took[part.__name__] = round(time.monotonic() - began, 1)

    def parts(self) -> tuple[Callable[[], None], ...]:
        return (
            self.list_keys, self.label_keys, self.queue_keys, self.run_keys, self.job_keys, self.tab_keys,
            self.chart_keys, self.keys_in_the_charts, self.compare_keys, self.sweep_keys, self.form_keys,
            self.everywhere_keys,
        )  # fmt: skip

    def list_keys(self) -> None:
        self.act("order", "Sort by")
        self.terminal.type("progress\r")
        self.sees("progress, highest first")
        self.rest()
        self.act("reverse", "progress, lowest first")
        self.act("group", "Group by")
        self.terminal.type("tags\r")
        self.sees("by tags")
        self.rest()
        self.act("columns", "Columns of the list")
        for name in ("bs", "temp"):
            self.terminal.type(f"{name} ")
            self.sees(f"☑ {name}")
        self.type_and_lose("\r", "esc cancel")
        self.go("base")
        self.act("widen", "Runs 1 of")
        self.act("widen", "Curves")
        self.act("mark", "1 marked")
        self.act("unmark")
        self.gone("marked")
        self.act("open", IN_CHARTS)
        self.leave_charts()

    def label_keys(self) -> None:
        self.act("tag", "Tags of base")
        self.answer("night, paper")
        self.until(lambda: set(Run(self.root / "base").info.tags) == {"night", "paper"})
        self.act("note", "Note on base")
        self.answer("a note of one line")
        self.until(lambda: Run(self.root / "base").info.note == "a note of one line")
        self.told("note a note")
        self.act("undo")
        self.until(lambda: Run(self.root / "base").info.note == "")
        self.act("rename", "New name of base")
        self.answer("basis")
        self.until(lambda: (self.root / "basis").exists())
        self.go("basis")

    def queue_keys(self) -> None:
        self.go("third")
        self.act("sooner(-1)")
        self.until(lambda: self.waiting == ["first", "third", "second"])
        self.act("sooner(-1)")
        self.until(lambda: self.waiting == ["third", "first", "second"])
        self.act("sooner(1)")
        self.until(lambda: self.waiting == ["first", "third", "second"])
        for name in ("first", "second", "third"):
            self.go(name)
            self.act("stop", f"Take {name} out of the queue?")
            self.terminal.type("y")
            self.state(name, "stopped")
        self.act("queue")
        self.until(lambda: not why_paused(self.store))
        self.act("queue")
        self.until(lambda: why_paused(self.store))

    @property
    def waiting(self) -> list[str]:
        return list(waiting_runs(self.store))

    def run_keys(self) -> None:
        start_live(self.root)
        self.go("live")
        self.state("live", "running")
        self.sees("img/s")
        self.act("stop", "Stop live?")
        self.terminal.type("y")
        self.state("live", "stopped")
        self.sees("on request, with a checkpoint")
        self.act("resume")
        self.state("live", "running")
        self.sees("● running")
        self.act("kill", "Kill live?")
        self.terminal.type("y")
        self.state("live", "failed")
        self.sees("killed by you at step")
        for key, name in enumerate(("first", "second")):
            self.go(name)
            self.act("remove", f"Delete {name}?", key=key)
            self.terminal.type("y")
            self.until(lambda name=name: not (self.root / name).exists())
            self.told(f"{name} is in the trash")
            if name == "first":
                self.act("undo")
                self.until(lambda: (self.root / "first").exists())

    def job_keys(self) -> None:
        self.go("basis")
        self.act("evaluate", "Evaluate basis")
        self.type_and_lose("neighbours\r", "esc cancel")
        self.until(lambda: (self.root / "basis" / "evaluations" / "knn.json").exists())
        self.told("basis knn:")
        for file in ("e.safetensors", "m.csv"):
            self.act("export", "Export basis")
            self.answer(f"{self.out / file}")
            self.until(lambda file=file: (self.out / file).exists())
        self.told("m.csv")
        self.act("cancel_work")

    def tab_keys(self) -> None:
        for name, shown in (("system", "CPU"), ("log", "what happened"), ("recipe", "preset quick")):
            self.act(f"tab('{name}')", shown)
        self.act("view")
        self.act("tab('embedding')", "PCA of h")
        self.act("image", "to test image")
        self.act("tab('views')", "to test image")
        self.act("image", "Neighbours of which")
        self.type_and_lose("\x1b", "Neighbours of which")
        self.act("view", "augmented views as")
        self.act("tab('curves')", "loss NT-Xent")

    def chart_keys(self, where: str = "main") -> None:
        """Each once, so that what is remembered is other than at first."""
        for id in ("axis", "smooth", "smooth", "log_scale", "clip"):
            self.act(id, where=where)
        self.sees("smoothed", "log scale", "outliers clipped")
        for id in ("grid(1, 0)", "grid(-1, 0)", "grid(0, 1)", "grid(0, -1)", "fit_grid", "grid(-1, 0)"):
            self.act(id, where=where)
        for id in ("page(1)", "page(-1)", "zoom(1)", "pan(-1)", "pan(1)", "zoom(-1)", "follow"):
            self.act(id, where=where)
        for id in ("cursor(-1)", "leap(-1)", "cursor(1)", "leap(1)"):
            self.act(id, where=where)
        self.sees("L: its log")
        self.act("show_all", where=where)
        self.gone("L: its log")
        self.act("fill", where=where)
        self.act("fill", where=where)
        self.act("search", where=where)
        self.terminal.type("loss\r")
        self.sees("not shown")
        if where == "main":
            self.act("cursor(-1)", "L: its log")
            self.act("log_here", "what happened")
            self.act("tab('curves')", "L: its log")
            self.act("show_all")
            self.gone("L: its log")

    def keys_in_the_charts(self) -> None:
        self.act("open", IN_CHARTS)
        self.act("screen.cursor(-1)", "L: its log", where="charts")
        self.act("screen.cursor(1)", where="charts")
        self.act("screen.choose(1)", where="charts")
        self.act("screen.choose(-1)", where="charts")
        self.act("screen.fill", where="charts")
        self.act("screen.fill", where="charts")
        self.act("screen.leave_charts", where="charts")
        self.sees(IN_CHARTS)
        self.leave_charts()

    def compare_keys(self) -> None:
        for name in ("basis", "live"):
            self.go(name)
            self.act("mark")
        self.sees("2 marked")
        self.act("compare", "Compare", "loss")
        self.sees("basis", "live")
        self.gone("reading…")
        self.chart_keys("compare")
        self.act("cancel", "2 marked", where="compare", key=1)
        self.act("unmark")

    def sweep_keys(self) -> None:
        self.go("basis")
        self.act("sweep", "Sweep tries", "1 finished")
        self.act("sort_trials", "state ▲", where="sweep")
        self.act("cancel", "Runs 1 of", where="sweep", key=1)
        self.rest()
        self.act("sweep", "Sweep tries", "1 finished")
        self.act("open_trial", "Runs 1 of", where="sweep")
        self.rest()

    def form_keys(self) -> None:
        self.act("new", "New run")
        self.rest()
        self.act("cancel", "Runs 1 of", where="form")
        self.rest()
        self.go("basis")
        for name, id in (("copied", "start"), ("later", "queue")):
            self.act("clone", "Clone of basis", "as a command")
            self.gone("looking at what")
            self.act("find", "Go to a field", where="form")
            self.type_and_lose("run's name\r", "Go to a field")
            self.act("focus_previous", where="form")
            self.act("focus_next", where="form")
            self.terminal.type(name)
            self.sees(f"--name {name}")
            if id == "start":
                self.act("copy", where="form")
                self.until(lambda: b"\x1b]52;" in self.terminal.output)
            self.act(id, where="form")
            self.state(name, "finished" if id == "start" else "queued")
            self.sees("Runs 1 of")
            self.go("basis")

    def everywhere_keys(self) -> None:
        self.act("pin", "⌃basis")
        self.act("help", "esc closes", where="app")
        self.type_and_lose("\x1b", "esc closes")
        self.rest()
        self.act("command_palette", "Search", where="app")
        self.terminal.type("unmark")
        self.sees("unmark  (U)")
        self.type_and_lose("\r", "unmark  (U)")
        self.act("suspend_process", "[stopped SIGTSTP", where="app")
        self.terminal.type("fg\n")
        self.sees("basis")
        self.act("app.quit", "[ended 0")
        self.terminal.close()
        self.open("basis", "bs", "temp")
        self.act("quit", "[ended 0", where="app")
        self.terminal.close()

    def close(self) -> None:
        """End what a sitting that failed left behind."""
        if getattr(self, "terminal", None):
            self.terminal.close()
        for path in self.root.iterdir():
            with contextlib.suppress(Exception):
                if Run(path).status.state in ("starting", "running"):
                    kill(Run(path))


def outcome(root: Path) -> dict[str, object]:
    """What a sitting left, without what differs from one to the next: times, ids, steps, how many checkpoints."""
    store = Store(root)
    found: dict[str, object] = {}
    for run in sorted((run for run in map(Run, root.iterdir()) if run.paths.info.exists()), key=lambda run: run.name):
        info, status = run.info, run.status
        files = {
            re.sub(r"step-\d+", "step-N", str(path.relative_to(run.path)))
            for path in run.path.rglob("*")
            if path.is_file()
        }
        found[run.name] = {
            "state": status.state, "reason": re.sub(r"\d+", "N", status.reason), "attempt": status.attempt,
            "tags": sorted(info.tags), "note": info.note, "files": sorted(files), "command": list(info.command)[1:],
            "recipe": sorted(
                (key, str(value)) for key, value in run.resolved.sources.items() if str(value) != "default"
            ),
        }  # fmt: skip
    out = root.parent / "out"
    return {
        "runs": found,
        "trash": sorted(path.name.rpartition(".")[0] for path in store.trash()),
        "layout": json.loads((root / LAYOUT).read_text()),
        "paused": why_paused(store),
        "written": sorted(path.name for path in out.iterdir()),
        "metrics": (out / "m.csv").read_text().splitlines()[0],
    }


def main(words: list[str]) -> int:
    root = Path(words[0])
    root.parent.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("SIMCLR_DATA", str(root.parent / "data"))
    os.environ["SIMCLR_OFFLINE"] = "1"
    prepare(root)
    replay = Replay(root, *words[1:2], pause=2.0 if words[1:] else 0.0)
    try:
        replay.play()
    finally:
        replay.close()
        print(f"seconds since the start: {replay.took}", file=sys.stderr)
    print(json.dumps(outcome(root), indent=1, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
