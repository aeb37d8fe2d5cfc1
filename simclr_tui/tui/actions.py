"""Every action of the dashboard, once: its keys, its words, where it applies.

The key bindings, the footer, the command palette, the help screen and `docs/keys.md` (`python -m
simclr_tui.tui.actions > docs/keys.md`) are made from this table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from textual.binding import Binding

from simclr_tui.store.state import ACTIVE, OPEN


@dataclass(frozen=True)
class Situation:
    """Hold what the keys would act on now: the run under the cursor (an empty state is none), and how many are marked.

    `readable` is False for a run whose files are damaged; `comparable` counts the runs that `=` would compare, `sweeps`
    the sweeps whose runs are listed; `empty` is a store without runs, `beside` a terminal wide enough to show the tabs
    beside the list.
    """

    state: str = ""
    readable: bool = False
    marked: int = 0
    comparable: int = 0
    sweeps: int = 0
    empty: bool = False
    beside: bool = False


WhyNot = Callable[[Situation], str]
"""What keeps an action from being done now, as a sentence without its stop; empty where nothing does."""

_NO_RUNS = "there are no runs yet; n starts one"


def _nothing(now: Situation) -> str:
    return ""


def _no_run(now: Situation) -> str:
    return "" if now.state else "there is no run under the cursor"


def _unreadable(now: Situation) -> str:
    return _no_run(now) or ("" if now.readable else "this run's files are damaged; its log tells more")


def _not_active(now: Situation) -> str:
    return _no_run(now) or ("" if now.state in ACTIVE else f"this run is {now.state}, so there is nothing to kill")


def _not_open(now: Situation) -> str:
    return _no_run(now) or ("" if now.state in OPEN else f"this run is {now.state}, so there is nothing to stop")


def _not_queued(now: Situation) -> str:
    return _no_run(now) or ("" if now.state == "queued" else f"this run is {now.state}; only queued runs can be moved")


def _not_ended(now: Situation) -> str:
    return _no_run(now) or (f"this run is {now.state}; stop it first" if now.state in OPEN else "")


def _not_ended_or_unreadable(now: Situation) -> str:
    return _not_ended(now) or _unreadable(now)


def _nothing_marked(now: Situation) -> str:
    return "" if now.marked else "no run is marked; space marks one"


def _nothing_to_compare(now: Situation) -> str:
    return "" if now.comparable > 1 else "there is nothing to compare; space marks runs"


def _no_sweep(now: Situation) -> str:
    return "" if now.sweeps else "no run of the list belongs to a sweep"


def _not_resumable(now: Situation) -> str:
    if now.state in OPEN:
        return f"this run is {now.state} already"
    if now.state == "finished":
        return "this run has finished; c clones it, simclr resume RUN --epochs N trains it longer"
    return _unreadable(now)


@dataclass(frozen=True)
class Action:
    """Declare one action of the dashboard.

    `id` names its handler; `where`, the screens that have it ("app": all of them); `obstacle`, what keeps it from being
    done where that depends on the run.
    """

    id: str
    keys: str
    label: str
    help: str
    group: str
    where: str = "main"
    footer: int = 0  # its rank in the line of keys, the most important first; 0: not there
    footer_in_charts: int = 0  # the same while the charts have the keys
    footer_without_run: int = 0  # the same while no run is under the cursor, if another: a newcomer's first key leads
    first: bool = False  # handled before the focused widget sees the key, so that the next key goes to the right place
    acts: bool = False  # changes a run or starts work: not for a dashboard that was started read-only
    obstacle: WhyNot = _nothing
    without_runs: bool = False  # has an effect in an empty store, though it is one of a group that acts on runs

    def why_not(self, now: Situation) -> str:
        """Return what keeps the action from having an effect now, in words; nothing where it has one."""
        if now.empty and self.group in _OF_RUNS and not self.without_runs:
            return _NO_RUNS
        return self.obstacle(now)

    @property
    def name(self) -> str:
        """Return the id without parameters."""
        return self.id.split("(")[0]

    @property
    def keys_shown(self) -> str:
        """Return the keys as a person reads them: `space`, `^p`, `[ ]`."""
        return " ".join(map(self.key_shown, self.keys.split(",")))

    @staticmethod
    def key_shown(key: str) -> str:
        """Return one key as a person reads it."""
        return _KEY_NAMES.get(key, key.replace("ctrl+", "^"))

    def is_in(self, where: str) -> bool:
        return where in self.where.split()

    def binding(self, where: str) -> Binding:
        first, shown = self.keys_shown.split(" ")[0], bool(self.footer)
        return Binding(self.keys, self.id, self.label, shown, first, self.first, self.help, id=self.binding_id(where))

    def binding_id(self, where: str) -> str:
        """Return the name of its binding on a screen."""
        return f"{where}.{self.label.replace(' ', '-')}"


_KEY_NAMES = {
    "slash": "/", "question_mark": "?", "equals_sign": "=", "left_square_bracket": "[", "right_square_bracket": "]",
    "escape": "esc", "delete": "del", "left_parenthesis": "(", "right_parenthesis": ")", "left_curly_bracket": "{",
    "right_curly_bracket": "}", "vertical_line": "|", "comma": ",", "full_stop": ".", "less_than_sign": "<",
    "greater_than_sign": ">", "plus": "+", "minus": "-", "left": "←", "right": "→", "up": "↑", "down": "↓",
}  # fmt: skip

_OF_RUNS = ("list", "tabs", "charts")  # groups of actions
HELP = "keys"  # the label of the help, which is never left out
_CHARTED = "main compare"  # the screens that have charts

ACTIONS: tuple[Action, ...] = (
    Action(
        "new",
        "n",
        "new",
        "Start a run from a form of the recipe's fields.",
        "runs",
        footer=11,
        footer_without_run=1,
        acts=True,
    ),
    Action(
        "stop",
        "s",
        "stop",
        "Stop the run with a checkpoint, or kill it. Asks first.",
        "runs",
        footer=1,
        acts=True,
        obstacle=_not_open,
    ),
    Action(
        "resume",
        "r",
        "resume",
        "Resume from the newest checkpoint.",
        "runs",
        footer=2,
        acts=True,
        obstacle=_not_resumable,
    ),
    Action(
        "clone",
        "c",
        "clone",
        "Open a form filled with this run's recipe.",
        "runs",
        footer=3,
        acts=True,
        obstacle=_unreadable,
    ),
    Action(
        "kill",
        "ctrl+k",
        "kill",
        "Force-kill a run that won't stop. Asks first.",
        "runs",
        acts=True,
        obstacle=_not_active,
    ),
    Action("sooner(-1)", "K", "sooner", "Move the run up in the queue.", "runs", acts=True, obstacle=_not_queued),
    Action("sooner(1)", "J", "later", "Move the run down in the queue.", "runs", acts=True, obstacle=_not_queued),
    Action("queue", "Q", "pause queue", "Pause or resume the queue.", "runs", acts=True),
    Action(
        "evaluate",
        "e",
        "evaluate",
        "Evaluate the encoder (kNN, linear probe, fine-tuning).",
        "runs",
        footer=13,
        acts=True,
        obstacle=_unreadable,
    ),
    Action(
        "export",
        "x",
        "export",
        "Export the encoder or metrics; a figure, a report or a LaTeX table of the marked runs.",
        "runs",
        footer=14,
        acts=True,
        obstacle=_unreadable,
    ),
    Action("cancel_work", "X", "cancel jobs", "Cancel the evaluations and exports that were started here.", "runs"),
    Action(
        "tag",
        "t",
        "tag",
        "Change the run's tags; +tag adds one, -tag removes one.",
        "runs",
        acts=True,
        obstacle=_unreadable,
    ),
    Action("note", "N", "note", "Change the run's note.", "runs", acts=True, obstacle=_unreadable),
    Action(
        "rename",
        "R",
        "rename",
        "Give the run another name.",
        "runs",
        acts=True,
        obstacle=_not_ended_or_unreadable,
    ),
    Action(
        "remove", "d,delete", "delete", "Move the run to the trash. Asks first.", "runs", acts=True, obstacle=_not_ended
    ),
    Action("undo", "u", "undo", "Undo the last delete, tag, note or rename.", "runs", acts=True),
    Action(
        "mark",
        "space",
        "mark",
        "Mark the run: the curves of all marked runs are drawn together.",
        "list",
        footer=4,
        obstacle=_no_run,
    ),
    Action("unmark", "U", "unmark", "Clear all marks.", "list", obstacle=_nothing_marked),
    Action(
        "compare",
        "equals_sign",
        "compare",
        "Compare the marked runs.",
        "list",
        footer=5,
        obstacle=_nothing_to_compare,
    ),
    Action(
        "sweep",
        "S",
        "sweep",
        "Show the sweep of this run: its trials, the best one, accuracy by value.",
        "list",
        obstacle=_no_sweep,
    ),
    Action("filter", "slash", "find", "Filter runs, e.g. state:running temp<0.5 text.", "list", footer=10, first=True),
    Action("order", "o", "sort", "Sort by any field or metric.", "list", footer=8),
    Action("reverse", "O", "reverse order", "Reverse the order.", "list"),
    Action("group", "g", "group", "Group the runs by a field or tag, with mean ± std of each group.", "list", footer=9),
    Action("pin", "p", "pin", "Keep this run on top, whatever the order and filter.", "list", obstacle=_no_run),
    Action(
        "widen",
        "z",
        "wide list",
        "Show the list as a table over the whole width, or beside the tabs.",
        "list",
        footer=7,
    ),
    Action("columns", "C", "columns", "Choose the columns of the list.", "list"),
    Action(
        "open",
        "enter",
        "open",
        "Go to the tabs; on a narrow terminal, show them.",
        "list",
        footer=6,
        # There, what it would show is on screen already.
        obstacle=lambda now: _NO_RUNS if now.empty and now.beside else "",
        without_runs=True,
    ),
    Action(
        "back",
        "escape",
        "back",
        "Leave the input, the filter, or the tabs for the run list.",
        "list",
        without_runs=True,
    ),
    Action("tab('curves')", "1", "Curves", "Show charts of the metrics of the marked runs.", "tabs"),
    Action("tab('system')", "2", "System", "Show GPU memory, load, temperature and power; CPU and RAM.", "tabs"),
    Action("tab('log')", "3", "Log", "Show the run's output, and what happened to it.", "tabs"),
    Action(
        "tab('recipe')",
        "4",
        "Recipe",
        "Show every field and where it came from, differences to the marked runs, and results.",
        "tabs",
    ),
    Action("tab('views')", "5", "Views", "Show augmented views of images, or the images nearest to one.", "tabs"),
    Action("tab('embedding')", "6", "Embedding", "Show test images on the two principal components of h.", "tabs"),
    Action(
        "page(-1)", "left_square_bracket", "previous charts", "Show the previous page of charts.", "charts", _CHARTED
    ),
    Action(
        "page(1)",
        "right_square_bracket",
        "next charts",
        "Show the next page of charts.",
        "charts",
        _CHARTED,
        footer_in_charts=6,
    ),
    Action("grid(-1, 0)", "left_parenthesis", "fewer columns", "Show one column of charts fewer.", "charts", _CHARTED),
    Action("grid(1, 0)", "right_parenthesis", "more columns", "Show one column of charts more.", "charts", _CHARTED),
    Action("grid(0, -1)", "left_curly_bracket", "fewer rows", "Show one row of charts fewer.", "charts", _CHARTED),
    Action("grid(0, 1)", "right_curly_bracket", "more rows", "Show one row of charts more.", "charts", _CHARTED),
    Action("fit_grid", "vertical_line", "fit charts", "Show as many charts as are legible.", "charts", _CHARTED),
    Action("fill", "F", "full screen", "Show one chart alone, or all again; [ and ] turn.", "charts", _CHARTED),
    Action("search", "i", "search tab", "Filter the metrics of the curves, or search the log.", "charts", _CHARTED),
    Action(
        "axis",
        "a",
        "x axis",
        "Switch x between steps, epochs, training time and time of day.",
        "charts",
        _CHARTED,
        footer_in_charts=4,
    ),
    Action(
        "log_scale",
        "l",
        "log scale",
        "Make the y axis logarithmic, or linear again.",
        "charts",
        _CHARTED,
        footer_in_charts=5,
    ),
    Action(
        "smooth",
        "w",
        "smooth",
        "Smooth the curves; the raw values stay behind.",
        "charts",
        _CHARTED,
        footer_in_charts=6,
    ),
    Action("clip", "y", "clip outliers", "Leave outliers out of the y axis.", "charts", _CHARTED),
    Action(
        "cursor(-1)",
        "comma",
        "cursor left",
        "Read the values further left. Log: go to the match before.",
        "charts",
        _CHARTED,
    ),
    Action(
        "cursor(1)",
        "full_stop",
        "cursor right",
        "Read the values further right. Log: go to the next match.",
        "charts",
        _CHARTED,
    ),
    Action(
        "leap(-1)", "less_than_sign", "cursor far left", "Move the cursor ten cells to the left.", "charts", _CHARTED
    ),
    Action(
        "leap(1)",
        "greater_than_sign",
        "cursor far right",
        "Move the cursor ten cells to the right.",
        "charts",
        _CHARTED,
    ),
    Action("log_here", "L", "log there", "Show the log at the cursor.", "charts"),
    Action(
        "zoom(1)",
        "plus,shift+up",
        "zoom in",
        "Halve the range of x about the cursor; the wheel does too.",
        "charts",
        _CHARTED,
        footer_in_charts=3,
    ),
    Action("zoom(-1)", "minus,shift+down", "zoom out", "Double the range of x about the cursor.", "charts", _CHARTED),
    Action(
        "pan(-1)",
        "shift+left",
        "pan left",
        "Move a quarter of the range to the left; shift and the wheel do too.",
        "charts",
        _CHARTED,
    ),
    Action("pan(1)", "shift+right", "pan right", "Move a quarter of the range to the right.", "charts", _CHARTED),
    Action("show_all", "0", "show all", "Show the whole run, and no cursor.", "charts", _CHARTED, footer_in_charts=7),
    Action("follow", "f", "follow", "Keep the live end of zoomed charts or of the log in view.", "charts", _CHARTED),
    Action(
        "image", "m", "image", "Show the neighbours of another image, or of the one chosen in the embedding.", "tabs"
    ),
    Action(
        "view",
        "v",
        "next view",
        "Switch to differences in the recipe, to neighbours in views, to one class in the embedding.",
        "tabs",
    ),
    Action(
        "screen.cursor(-1)",
        "left",
        "cursor left",
        "Read the values further left, as comma does.",
        "in the charts",
        "charts",
    ),
    Action(
        "screen.cursor(1)",
        "right",
        "cursor right",
        "Read the values further right, as full stop does.",
        "in the charts",
        "charts",
        footer_in_charts=1,
    ),
    Action(
        "screen.choose(-1)",
        "up",
        "chart before",
        "Choose the chart that F gives the screen.",
        "in the charts",
        "charts",
    ),
    Action("screen.choose(1)", "down", "next chart", "Choose the next chart.", "in the charts", "charts"),
    Action(
        "screen.fill",
        "enter",
        "full screen",
        "Show the chosen chart alone, or all again.",
        "in the charts",
        "charts",
        footer_in_charts=2,
    ),
    Action(
        "screen.leave_charts",
        "escape",
        "back",
        "Leave full screen, the cursor, the tabs.",
        "in the charts",
        "charts",
        footer_in_charts=2,
    ),
    Action("start", "ctrl+s", "start", "Start the run.", "form", "form", footer=1),
    Action("queue", "ctrl+l", "queue", "Put the run into the queue.", "form", "form", footer=2),
    Action(
        "copy", "ctrl+y", "copy command", "Copy the command line that starts the same run.", "form", "form", footer=3
    ),
    Action(
        "find", "ctrl+f,slash", "find field", "Find a field by its name or by what it does.", "form", "form", footer=4
    ),
    Action("focus_next", "tab,down", "next field", "Go to the next field.", "form", "form", first=True),
    Action("focus_previous", "shift+tab,up", "field before", "Go to the field before.", "form", "form", first=True),
    Action("cancel", "escape", "back", "Go back without starting.", "form", "form", footer=9),
    Action(
        "cancel",
        "escape,q,equals_sign",
        "back",
        "Leave the comparison.",
        "compare",
        "compare",
        footer=1,
        footer_in_charts=9,
    ),
    Action(
        "open_trial",
        "enter",
        "go to run",
        "Go to the run of the trial.",
        "sweep",
        "sweep",
        footer=1,
        first=True,
    ),
    Action("sort_trials", "o", "sort", "Sort the trials by the next column.", "sweep", "sweep", footer=2),
    Action("cancel", "escape,q,S", "back", "Leave the sweep.", "sweep", "sweep", footer=3),
    Action(
        "help",
        "question_mark,f1",
        HELP,
        "Find what a key does, or the key for something.",
        "everywhere",
        "app",
        99,
        99,
    ),
    Action(
        "command_palette", "ctrl+p", "menu", "Find an action or a run by name; themes.", "everywhere", "app", 98, 98
    ),
    Action("app.quit", "q", "quit", "Quit; runs keep training.", "everywhere", "main", footer=12),
    Action("quit", "ctrl+q,ctrl+c", "quit", "Quit from anywhere; runs keep training.", "everywhere", "app"),
    Action("suspend_process", "ctrl+z", "suspend", "Return to the shell; fg comes back.", "everywhere", "app"),
)


@cache
def action_of(name: str, where: str) -> Action | None:
    """Return the action of a screen that is called `name`, without its parameters; None where it has none."""
    return next((action for action in actions(where) if action.name == name), None)


ACTING = frozenset(action.name for action in ACTIONS if action.acts)


def actions(where: str) -> tuple[Action, ...]:
    """Return the actions of one screen."""
    return tuple(action for action in ACTIONS if action.is_in(where))


def bindings(where: str) -> list[Binding]:
    """Return the key bindings of one screen, in the order of its footer."""
    return [action.binding(where) for action in actions(where)]


def groups(wheres: Iterable[str]) -> dict[str, list[Action]]:
    """Return the actions by group, for a help page."""
    found: dict[str, list[Action]] = {}
    for action in ACTIONS:
        if any(action.is_in(where) for where in wheres):
            found.setdefault(action.group, []).append(action)
    return found


SCREENS = ("main", "charts", "form", "compare", "sweep", "app")


def page() -> str:
    """Return the table of keys as a Markdown page."""
    lines = ["# Keys of the dashboard", "", "Made by `python -m simclr_tui.tui.actions`; in the dashboard: `?`."]
    for group, found in groups(SCREENS).items():
        lines += ["", f"## {group[0].upper()}{group[1:]}", "", "| key | does | |", "|---|---|---|"]
        for action in found:
            keys = " ".join(f"`{key}`" for key in action.keys_shown.replace("|", "\\|").split())
            lines.append(f"| {keys} | {action.label} | {action.help.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
